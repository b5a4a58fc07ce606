-- +goose Up
-- Usage, the events it can be made of, and grants outside of any subscription. Instants of usage are whole microseconds
-- since 1970: windows are compared and added up in queries, the same way on both engines.

alter table features add column scale integer not null default 0;
alter table features add column meter_version integer not null default 0;

-- One row per customer, resource ('' for the customer itself) and feature: what was used in the latest window that somebody
-- asked about or reported to. It is made of the measurements or events in that window, and can be made again of them.
create table usage_counters (
	environment integer not null,
	customer_id text not null,
	resource text not null,
	feature_id text not null,
	window_start integer not null,
	window_end integer not null,
	meter_version integer not null,
	value integer not null,
	state text,
	last_at integer not null,
	version integer not null,
	updated_at integer not null,
	primary key (environment, customer_id, feature_id, resource),
	constraint usage_counters_customer foreign key (environment, customer_id) references customers (environment, id),
	constraint usage_counters_feature foreign key (environment, feature_id) references features (environment, id)
) strict;
create index usage_counters_by_feature on usage_counters (environment, feature_id, customer_id, resource);

create table usage_measurements (
	environment integer not null,
	id text not null,
	customer_id text not null,
	resource text not null,
	feature_id text not null,
	at integer not null,
	behavior text not null check (behavior in ('DELTA', 'SET', 'CORRECTION')),
	value integer not null,
	delta integer not null,
	total integer not null,
	dimensions text,
	reported_resource text not null,
	idempotency_key text,
	content text,
	window_start integer not null,
	window_end integer not null,
	recorded_at integer not null,
	primary key (environment, id),
	constraint usage_measurements_customer foreign key (environment, customer_id) references customers (environment, id),
	constraint usage_measurements_feature foreign key (environment, feature_id) references features (environment, id)
) strict;
create index usage_measurements_by_time on usage_measurements (environment, customer_id, feature_id, resource, at);
create unique index usage_measurements_once on usage_measurements (environment, customer_id, feature_id, reported_resource, idempotency_key)
	where idempotency_key is not null;

-- Events as they came. dedup is a hash of what makes an event the same as another; it is forgotten after 30 days.
create table usage_events (
	id integer primary key,
	environment integer not null,
	customer text not null,
	resource text not null,
	name text not null,
	at integer not null,
	dimensions text,
	idempotency_key text not null,
	dedup text,
	recorded_at integer not null
) strict;
create index usage_events_by_time on usage_events (environment, customer, at);
create unique index usage_events_once on usage_events (environment, dedup) where dedup is not null;
create index usage_events_by_age on usage_events (recorded_at) where dedup is not null;

-- The distinct values in a counter's window, for meters that count those.
create table usage_values (
	environment integer not null,
	customer_id text not null,
	feature_id text not null,
	resource text not null,
	value text not null,
	primary key (environment, customer_id, feature_id, resource, value)
) strict;

-- Where a change of the plan has set usage back to 0, and the periods that ended there.
create table usage_resets (
	environment integer not null,
	customer_id text not null,
	resource text not null,
	product_id text not null,
	at integer not null,
	anchor integer not null,
	cut integer not null,
	primary key (environment, customer_id, resource, product_id, at),
	constraint usage_resets_customer foreign key (environment, customer_id) references customers (environment, id)
) strict;

create table promotional_entitlements (
	environment integer not null,
	id text not null,
	customer_id text not null,
	feature_id text not null,
	details text not null,
	period text not null,
	start_date text not null,
	end_date text,
	ended_at text,
	version integer not null,
	created_at text not null,
	updated_at text not null,
	primary key (environment, id),
	constraint promotional_entitlements_customer foreign key (environment, customer_id) references customers (environment, id),
	constraint promotional_entitlements_feature foreign key (environment, feature_id) references features (environment, id)
) strict;
create index promotional_entitlements_by_customer on promotional_entitlements (environment, customer_id, id);
-- At most one grant of a feature runs.
create unique index promotional_entitlements_running on promotional_entitlements (environment, customer_id, feature_id) where ended_at is null;

-- A timer is about a subscription or a promotional entitlement, whose internal id stands in subscription_id.
create table timers_new (
	environment integer not null,
	id text not null,
	kind text not null,
	customer_id text not null,
	subscription_id text not null,
	due text not null,
	attempts integer not null default 0,
	not_before text,
	created_at text not null,
	primary key (environment, id),
	constraint timers_once unique (environment, subscription_id, kind, due),
	constraint timers_customer foreign key (environment, customer_id) references customers (environment, id)
) strict;
insert into timers_new (environment, id, kind, customer_id, subscription_id, due, attempts, not_before, created_at)
	select environment, id, kind, customer_id, subscription_id, due, attempts, not_before, created_at from timers;
drop table timers;
alter table timers_new rename to timers;
create index timers_due on timers (environment, due, id);
create index timers_by_customer on timers (environment, customer_id, due);
