-- +goose Up

-- Resources are listed per customer in the order of their making.
create index resources_by_id on resources (environment, customer_id, id);
