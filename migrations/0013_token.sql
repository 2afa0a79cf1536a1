-- Tokens of instances, the enforcement of their gates, and what was measured of it. A token's text is
-- never here: its hash, and a hint. The event table is made anew, since it names what events are about.
create table token (
    id text primary key,
    instance_id text not null references instance (id),
    tenant_id text not null references tenant (id),
    name text not null,
    folded text not null,
    note text not null default '',
    owner_id text references app_user (id) on delete set null,
    hint text not null,
    token_hash text not null unique,
    consumer text not null unique,
    request_token text not null,
    written boolean not null default false,
    state text not null check (state in ('issuing', 'active', 'revoking', 'revoked', 'failed')),
    state_since bigint not null,
    reason text check (reason in ('revoked', 'expired', 'rotated', 'leaked', 'deleted')),
    waiting text,
    generation bigint not null default 0,
    created_at bigint not null,
    created_by text not null,
    expires_at bigint not null,
    retires_at bigint,
    due_at bigint not null,
    late_ms bigint,
    replaces text references token (id),
    receipt text,
    cleaned boolean not null default false,
    last_used_at bigint,
    uses bigint not null default 0,
    counted bigint,
    usage_at bigint
);
create unique index token_name on token (instance_id, folded) where state in ('issuing', 'active') and retires_at is null;
create index token_instance on token (instance_id, id);
create index token_tenant on token (tenant_id, id);
create index token_owner on token (owner_id) where owner_id is not null;
create index token_replaces on token (replaces) where replaces is not null;
create index token_due on token (due_at) where state in ('issuing', 'active');
create index token_open on token (instance_id) where state in ('issuing', 'active', 'revoking');
create index token_unclean on token (instance_id) where cleaned = false and state in ('revoking', 'revoked', 'failed');

create table token_reminder (
    token_id text not null references token (id) on delete cascade,
    days bigint not null,
    at bigint not null,
    primary key (token_id, days)
);

-- One row per instance: how far its gate is written and proven, who enforces it now (a lease with a
-- fence that grows at every claim), and which watchman it lets pass.
create table gate (
    instance_id text primary key references instance (id),
    wished_at bigint not null,
    written_generation bigint not null default 0,
    proven_generation bigint not null default 0,
    proven_at bigint,
    progress text,
    waiting text,
    unproven_since bigint,
    watchman_epoch bigint not null default 1,
    watchman_before bigint,
    watchman_since bigint not null,
    moved_at bigint not null default 0,
    run_after bigint not null,
    nudged bigint not null default 0,
    attempts bigint not null default 0,
    lease_owner text,
    lease_until bigint,
    fence bigint not null default 0
);
create index gate_due on gate (run_after);
create index gate_holder on gate (lease_owner) where lease_owner is not null;
insert into gate (instance_id, wished_at, watchman_since, run_after)
    select id, created_at, created_at, created_at from instance where state <> 'deleted';
-- Watchmen have other names from here on, so what stands on clusters is not what is wished for.
update instance set gate_generation = gate_generation + 1 where state <> 'deleted';

-- How long each proof took on its cluster.
create table proof (
    cluster text not null,
    at bigint not null,
    instance_id text not null,
    generation bigint not null,
    millis bigint not null,
    primary key (instance_id, generation)
);
create index proof_cluster on proof (cluster, at);

-- What a tenant demands of its tokens beyond the staff.
create table token_policy (
    tenant_id text primary key references tenant (id),
    default_days bigint not null,
    max_days bigint not null,
    on_leak text not null check (on_leak in ('revoke', 'tell'))
);

create table event_next (
    id bigint primary key,
    at bigint not null,
    subject text not null check (subject in ('tenant', 'instance', 'operation', 'cluster', 'release', 'token')),
    key text not null,
    tenant_id text,
    data text not null
);
insert into event_next (id, at, subject, key, tenant_id, data)
    select id, at, subject, key, tenant_id, data from event;
drop table event;
alter table event_next rename to event;
create index event_tenant on event (tenant_id, id);
create index event_time on event (at, id);
