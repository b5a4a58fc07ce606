-- +goose Up
-- Tasks that survive the process that began them. Whoever works on one holds it until an instant of machine time.

alter table tasks add column lease_owner text not null default '';
alter table tasks add column lease_until timestamptz;
create index tasks_open on tasks (environment, id) where status in ('PENDING', 'IN_PROGRESS');

-- A migration goes through the subscriptions that have an add-on, in order.
drop index subscription_addons_by_addon;
create index subscription_addons_by_addon on subscription_addons (environment, addon_id, subscription_id);
