-- +goose Up
-- Usage, the events it can be made of, and grants outside of any subscription. Instants of usage are whole microseconds
-- since 1970: windows are compared and added up in queries, the same way on both engines.

alter table features add column scale integer not null default 0;
alter table features add column meter_version bigint not null default 0;

-- One row per customer, resource ('' for the customer itself) and feature: what was used in the latest window that somebody
-- asked about or reported to. It is made of the measurements or events in that window, and can be made again of them.
create table usage_counters (
	environment integer not null,
	customer_id text not null,
	resource text not null,
	feature_id text not null,
	window_start bigint not null,
	window_end bigint not null,
	meter_version bigint not null,
	value bigint not null,
	state text,
	last_at bigint not null,
	version bigint not null,
	updated_at bigint not null,
	primary key (environment, customer_id, feature_id, resource),
	constraint usage_counters_customer foreign key (environment, customer_id) references customers (environment, id),
	constraint usage_counters_feature foreign key (environment, feature_id) references features (environment, id)
);
create index usage_counters_by_feature on usage_counters (environment, feature_id, customer_id, resource);

create table usage_measurements (
	environment integer not null,
	id text not null,
	customer_id text not null,
	resource text not null,
	feature_id text not null,
	at bigint not null,
	behavior text not null check (behavior in ('DELTA', 'SET', 'CORRECTION')),
	value bigint not null,
	delta bigint not null,
	total bigint not null,
	dimensions text,
	reported_resource text not null,
	idempotency_key text,
	content text,
	window_start bigint not null,
	window_end bigint not null,
	recorded_at bigint not null,
	primary key (environment, id),
	constraint usage_measurements_customer foreign key (environment, customer_id) references customers (environment, id),
	constraint usage_measurements_feature foreign key (environment, feature_id) references features (environment, id)
);
create index usage_measurements_by_time on usage_measurements (environment, customer_id, feature_id, resource, at);
create unique index usage_measurements_once on usage_measurements (environment, customer_id, feature_id, reported_resource, idempotency_key)
	where idempotency_key is not null;

-- Events as they came. dedup is a hash of what makes an event the same as another; it is forgotten after 30 days.
create table usage_events (
	id bigint generated always as identity primary key,
	environment integer not null,
	customer text not null,
	resource text not null,
	name text not null,
	at bigint not null,
	dimensions text,
	idempotency_key text not null,
	dedup text,
	recorded_at bigint not null
);
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
);

-- Where a change of the plan has set usage back to 0, and the periods that ended there.
create table usage_resets (
	environment integer not null,
	customer_id text not null,
	resource text not null,
	product_id text not null,
	at bigint not null,
	anchor bigint not null,
	cut boolean not null,
	primary key (environment, customer_id, resource, product_id, at),
	constraint usage_resets_customer foreign key (environment, customer_id) references customers (environment, id)
);

create table promotional_entitlements (
	environment integer not null,
	id text not null,
	customer_id text not null,
	feature_id text not null,
	details jsonb not null,
	period text not null,
	start_date timestamptz not null,
	end_date timestamptz,
	ended_at timestamptz,
	version bigint not null,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	primary key (environment, id),
	constraint promotional_entitlements_customer foreign key (environment, customer_id) references customers (environment, id),
	constraint promotional_entitlements_feature foreign key (environment, feature_id) references features (environment, id)
);
create index promotional_entitlements_by_customer on promotional_entitlements (environment, customer_id, id);
-- At most one grant of a feature runs.
create unique index promotional_entitlements_running on promotional_entitlements (environment, customer_id, feature_id) where ended_at is null;

-- A timer is about a subscription or a promotional entitlement, whose internal id stands in subscription_id.
alter table timers drop constraint timers_subscription;
