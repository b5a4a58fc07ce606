-- +goose Up
-- The whole catalog. Packages refer to each other by refId: it never changes and nothing is ever deleted.

alter table products add column plan_order text not null default '[]';

alter table features add column meter text;

create table feature_groups (
	environment integer not null references environments (id),
	id text not null,
	ref_id text not null,
	display_name text not null,
	description text,
	metadata text not null,
	status text not null check (status in ('ACTIVE', 'ARCHIVED')),
	version integer not null,
	created_at text not null,
	updated_at text not null,
	primary key (environment, id),
	constraint feature_groups_ref unique (environment, ref_id)
) strict;

create table feature_group_members (
	environment integer not null,
	group_id text not null,
	feature_id text not null,
	primary key (environment, group_id, feature_id),
	constraint feature_group_members_group foreign key (environment, group_id) references feature_groups (environment, id),
	constraint feature_group_members_feature foreign key (environment, feature_id) references features (environment, id)
) strict;

-- When somebody last asked whether a customer may use a feature, to the day, in machine time.
create table feature_checks (
	environment integer not null references environments (id),
	feature_ref text not null,
	checked_at text not null,
	primary key (environment, feature_ref)
) strict;

alter table packages add column changed_by_type text not null default '';
alter table packages add column changed_by text not null default '';

alter table package_versions add column parent_ref text;
alter table package_versions add column compatible_addons text not null default '[]';
alter table package_versions add column dependencies text not null default '[]';
alter table package_versions add column max_quantity integer;
alter table package_versions add column overage_period text;

alter table package_entitlements add column enum_values text;
alter table package_entitlements add column feature_groups text not null default '[]';

create table package_credits (
	environment integer not null,
	id text not null,
	version_id text not null,
	currency_ref text not null,
	amount text,
	cadence text not null check (cadence in ('MONTH', 'YEAR')),
	dependency_feature text,
	is_granted integer not null,
	has_soft_limit integer not null,
	behavior text not null,
	is_custom integer not null,
	sort_order real,
	display_name_override text,
	description text,
	hidden_from_widgets text not null,
	created_at text not null,
	updated_at text not null,
	primary key (environment, version_id, currency_ref),
	constraint package_credits_version foreign key (environment, version_id) references package_versions (environment, id)
) strict;

-- A price may have tiers in place of an amount. feature_id is '' for none: it is part of a key.
create table prices_new (
	environment integer not null,
	id text not null,
	version_id text not null,
	is_overage integer not null default 0,
	billing_model text not null,
	billing_cadence text not null,
	billing_period text not null,
	billing_country text not null default '',
	feature_id text not null default '',
	amount text,
	currency text,
	tiers_mode text,
	tiers text,
	block_size integer,
	min_quantity integer,
	max_quantity integer,
	credit_rate text,
	grant_cadence text,
	top_up_currency text not null default '',
	reset_period text,
	reset_configuration text,
	created_at text not null,
	primary key (environment, id),
	constraint prices_version foreign key (environment, version_id) references package_versions (environment, id)
) strict;
insert into prices_new (environment, id, version_id, billing_model, billing_cadence, billing_period, billing_country, amount, currency, created_at)
	select environment, id, version_id, billing_model, billing_cadence, billing_period, billing_country, amount, currency, created_at from prices;
drop table prices;
alter table prices_new rename to prices;
create unique index prices_once on prices (environment, version_id, is_overage, billing_model, billing_cadence, feature_id, top_up_currency, billing_period, billing_country);

create table coupons (
	environment integer not null references environments (id),
	id text not null,
	ref_id text not null,
	name text not null,
	description text,
	percent_off integer check (percent_off between 1 and 100),
	amounts_off text,
	duration_in_months integer,
	billing_id text,
	source text not null,
	status text not null check (status in ('ACTIVE', 'ARCHIVED')),
	metadata text not null,
	version integer not null,
	created_at text not null,
	updated_at text not null,
	primary key (environment, id),
	constraint coupons_ref unique (environment, ref_id),
	check ((percent_off is null) <> (amounts_off is null))
) strict;

alter table customers add column coupon_ref text;

-- What a subscription has is pinned: the plan's version, those that it inherits from, and, apart from them, the version
-- whose prices it pays (null for the plan's). A migration moves the first two and leaves the prices.
alter table subscriptions add column billing_country text not null default '';
alter table subscriptions add column base_versions text not null default '[]';
alter table subscriptions add column price_version_id text;

create table subscription_addons (
	environment integer not null,
	subscription_id text not null,
	addon_id text not null,
	version_id text not null,
	price_version_id text not null,
	quantity integer not null check (quantity > 0),
	primary key (environment, subscription_id, addon_id),
	constraint subscription_addons_subscription foreign key (environment, subscription_id) references subscriptions (environment, id),
	constraint subscription_addons_addon foreign key (environment, addon_id) references packages (environment, id),
	constraint subscription_addons_version foreign key (environment, version_id) references package_versions (environment, id),
	constraint subscription_addons_price_version foreign key (environment, price_version_id) references package_versions (environment, id)
) strict;
create index subscription_addons_by_addon on subscription_addons (environment, addon_id);

-- What the last applied catalog file left, to tell what others changed since.
create table catalog_files (
	environment integer primary key references environments (id),
	fingerprint text not null,
	content text not null,
	applied_at text not null,
	applied_by_type text not null,
	applied_by text not null
) strict;
