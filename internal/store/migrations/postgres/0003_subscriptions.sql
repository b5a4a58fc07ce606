-- +goose Up
-- What only the rules look into is one column: quantities, overrides, coupons, scheduled updates, what is paid. What
-- queries and keys look into has its own.
alter table subscriptions add column details jsonb not null default '{}';
alter table subscriptions add column paying_customer_id text;
-- With the id, in whose order a customer's subscriptions are read: without it SQLite takes the primary key for that and
-- goes through everybody's.
drop index subscriptions_by_customer;
create index subscriptions_by_customer on subscriptions (environment, customer_id, id);
create index subscriptions_open on subscriptions (environment, customer_id, id) where status not in ('CANCELED', 'EXPIRED');
create index subscriptions_by_payer on subscriptions (environment, paying_customer_id) where paying_customer_id is not null;

-- What a customer has paid too much, by currency.
alter table customers add column balance jsonb not null default '{}';

-- The history of a subscription is read from the feed, which keeps it for ever.
create index events_of_subscription on events (environment, entity_id, position) where entity_type = 'subscription';
