-- +goose Up
-- Environments are small integers inside and the first column of every key. Ids are text. `resource` is '' for
-- none, never null: nulls are distinct, so an index over them would enforce nothing.

create table meta (
	key text primary key,
	value text not null
);

create table accounts (
	id text primary key,
	display_name text not null,
	timezone text not null,
	status text not null,
	subscription_billing_anchor text not null,
	subscription_proration_behavior text not null,
	created_at timestamptz not null
);

create table environments (
	id integer primary key,
	uuid text not null constraint environments_uuid unique,
	account_id text not null references accounts (id),
	slug text not null constraint environments_slug unique,
	display_name text not null,
	type text not null check (type in ('production', 'non-production')),
	clock timestamptz,
	catalog_version bigint not null default 0,
	created_at timestamptz not null
);

create table api_keys (
	environment integer not null references environments (id),
	id text not null,
	kind text not null check (kind in ('SERVER', 'CLIENT')),
	name text not null,
	system boolean not null,
	hash text not null,
	prefix text not null,
	last4 text not null,
	created_at timestamptz not null,
	expires_at timestamptz,
	revoked_at timestamptz,
	primary key (environment, id)
);
create unique index api_keys_hash on api_keys (hash);
create unique index api_keys_one_system on api_keys (environment, kind) where system and expires_at is null and revoked_at is null;

create table products (
	environment integer not null references environments (id),
	id text not null,
	ref_id text not null,
	display_name text not null,
	description text,
	metadata jsonb not null,
	multiple_subscriptions boolean not null,
	status text not null check (status in ('PUBLISHED', 'ARCHIVED')),
	is_default boolean not null,
	settings jsonb not null,
	usage_reset_cutoff text not null,
	version bigint not null,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	primary key (environment, id),
	constraint products_ref unique (environment, ref_id),
	constraint products_multiple unique (environment, id, multiple_subscriptions)
);
create unique index products_one_default on products (environment) where is_default;

create table features (
	environment integer not null references environments (id),
	id text not null,
	ref_id text not null,
	display_name text not null,
	description text,
	feature_type text not null check (feature_type in ('BOOLEAN', 'NUMBER', 'ENUM')),
	meter_type text not null check (meter_type in ('None', 'FLUCTUATING', 'INCREMENTAL')),
	status text not null check (status in ('NEW', 'ACTIVE', 'SUSPENDED')),
	units text,
	units_plural text,
	enum_configuration jsonb,
	unit_transformation jsonb,
	metadata jsonb not null,
	version bigint not null,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	primary key (environment, id),
	constraint features_ref unique (environment, ref_id)
);

create table packages (
	environment integer not null references environments (id),
	id text not null,
	kind text not null check (kind in ('PLAN', 'ADDON')),
	ref_id text not null,
	product_id text not null,
	status text not null check (status in ('DRAFT', 'PUBLISHED', 'ARCHIVED')),
	billing_id text,
	metadata jsonb not null,
	hidden_from_widgets jsonb not null,
	archived_with_product boolean not null default false,
	version bigint not null,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	primary key (environment, id),
	constraint packages_ref unique (environment, kind, ref_id),
	constraint packages_product foreign key (environment, product_id) references products (environment, id)
);
create index packages_by_product on packages (environment, product_id);

create table package_versions (
	environment integer not null,
	id text not null,
	package_id text not null,
	version_number bigint not null,
	status text not null check (status in ('DRAFT', 'PUBLISHED')),
	is_latest boolean not null,
	display_name text not null,
	description text,
	pricing_type text check (pricing_type in ('FREE', 'PAID', 'CUSTOM')),
	default_trial jsonb,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	published_at timestamptz,
	primary key (environment, id),
	constraint package_versions_number unique (environment, package_id, version_number),
	constraint package_versions_package foreign key (environment, package_id) references packages (environment, id)
);
create unique index package_versions_one_draft on package_versions (environment, package_id) where status = 'DRAFT';
create unique index package_versions_one_latest on package_versions (environment, package_id) where is_latest;

create table package_entitlements (
	environment integer not null,
	id text not null,
	version_id text not null,
	feature_id text not null,
	is_granted boolean not null,
	usage_limit bigint,
	has_unlimited_usage boolean not null,
	has_soft_limit boolean not null,
	reset_period text,
	reset_configuration jsonb,
	behavior text not null,
	is_custom boolean not null,
	sort_order double precision,
	display_name_override text,
	description text,
	hidden_from_widgets jsonb not null,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	primary key (environment, version_id, feature_id),
	constraint package_entitlements_version foreign key (environment, version_id) references package_versions (environment, id),
	constraint package_entitlements_feature foreign key (environment, feature_id) references features (environment, id)
);
create index package_entitlements_by_feature on package_entitlements (environment, feature_id);

create table prices (
	environment integer not null,
	id text not null,
	version_id text not null,
	billing_model text not null,
	billing_cadence text not null,
	billing_period text not null,
	billing_country text not null default '',
	amount numeric not null,
	currency text not null,
	created_at timestamptz not null,
	primary key (environment, id),
	constraint prices_version foreign key (environment, version_id) references package_versions (environment, id)
);
create unique index prices_one_flat_fee on prices (environment, version_id, billing_period, billing_country, billing_cadence) where billing_model = 'FLAT_FEE';

create table customers (
	environment integer not null references environments (id),
	id text not null,
	ref_id text not null,
	name text,
	email text,
	billing_id text,
	details jsonb not null,
	metadata jsonb not null,
	trialed jsonb not null,
	exclude_from_experiment boolean not null,
	strategy text not null,
	steps jsonb not null,
	fingerprint jsonb,
	provisioned_subscription text,
	archived_at timestamptz,
	version bigint not null,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	primary key (environment, id),
	constraint customers_ref unique (environment, ref_id)
);
create index customers_by_email on customers (environment, email, id);
create index customers_by_name on customers (environment, name, id);

create table resources (
	environment integer not null,
	id text not null,
	customer_id text not null,
	ref_id text not null,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	primary key (environment, customer_id, ref_id),
	constraint resources_customer foreign key (environment, customer_id) references customers (environment, id)
);

create table subscriptions (
	environment integer not null,
	id text not null,
	ref_id text not null,
	customer_id text not null,
	product_id text not null,
	resource text not null,
	-- Whether it is for a resource follows the product: a product that changes while a subscription is made breaks the reference.
	per_resource boolean not null generated always as (resource <> '') stored,
	plan_id text not null,
	version_id text not null,
	pricing_type text not null check (pricing_type in ('FREE', 'PAID', 'CUSTOM')),
	status text not null check (status in ('PAYMENT_PENDING', 'ACTIVE', 'EXPIRED', 'IN_TRIAL', 'CANCELED', 'NOT_STARTED')),
	start_date timestamptz not null,
	end_date timestamptz,
	trial_end_date timestamptz,
	trial_end_behavior text,
	cancellation_date timestamptz,
	cancel_reason text,
	billing_period text,
	billing_cycle_anchor timestamptz,
	payment_collection text not null,
	metadata jsonb not null,
	version bigint not null,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	primary key (environment, id),
	constraint subscriptions_ref unique (environment, ref_id),
	constraint subscriptions_customer foreign key (environment, customer_id) references customers (environment, id),
	constraint subscriptions_product foreign key (environment, product_id, per_resource) references products (environment, id, multiple_subscriptions),
	constraint subscriptions_plan foreign key (environment, plan_id) references packages (environment, id),
	constraint subscriptions_version foreign key (environment, version_id) references package_versions (environment, id)
);
create unique index subscriptions_one_trial on subscriptions (environment, customer_id, product_id, resource) where status = 'IN_TRIAL';
create unique index subscriptions_one_running on subscriptions (environment, customer_id, product_id, resource) where status in ('ACTIVE', 'PAYMENT_PENDING');
create unique index subscriptions_one_scheduled on subscriptions (environment, customer_id, product_id, resource) where status = 'NOT_STARTED';
create index subscriptions_by_customer on subscriptions (environment, customer_id);
create index subscriptions_by_plan on subscriptions (environment, plan_id, id);

create table timers (
	environment integer not null,
	id text not null,
	kind text not null,
	customer_id text not null,
	subscription_id text not null,
	due timestamptz not null,
	attempts bigint not null default 0,
	not_before timestamptz,
	created_at timestamptz not null,
	primary key (environment, id),
	constraint timers_once unique (environment, subscription_id, kind, due),
	constraint timers_customer foreign key (environment, customer_id) references customers (environment, id),
	constraint timers_subscription foreign key (environment, subscription_id) references subscriptions (environment, id)
);
create index timers_due on timers (environment, due, id);
create index timers_by_customer on timers (environment, customer_id, due);

-- The transaction id is taken before the position, in this order: the tailer relies on it.
create sequence event_position;
create table events (
	position bigint primary key default (case when pg_current_xact_id() is not null then nextval('event_position') end),
	environment integer not null,
	type text not null,
	entity_type text not null,
	entity_id text not null,
	version bigint not null,
	customer text not null,
	at timestamptz not null,
	recorded_at timestamptz not null,
	actor_type text not null,
	actor_id text not null,
	payload jsonb not null
);
create index events_by_environment on events (environment, position);

create table idempotency (
	environment integer not null,
	key text not null,
	route text not null,
	content text not null,
	status integer not null,
	body text not null,
	customer text not null,
	created_at timestamptz not null,
	primary key (environment, key, route)
);
create index idempotency_by_age on idempotency (created_at);
create index idempotency_by_customer on idempotency (environment, customer) where customer <> '';

create table tasks (
	environment integer not null references environments (id),
	id text not null,
	type text not null,
	status text not null,
	done bigint not null,
	total bigint not null,
	detail jsonb not null,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	primary key (environment, id)
);
