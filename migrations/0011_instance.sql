-- Instances: the wish (release, overrides, gate), where it was placed, and the health that follows
-- from what is seen. Rows of deleted instances stay, so that no id is ever given again.
create table instance (
    id text primary key,
    tenant_id text not null references tenant (id),
    name text not null,
    folded text not null,
    purpose text not null check (purpose in ('development', 'production')),
    region text not null,
    cluster text,
    host text,
    release text not null,
    overrides text not null default '',
    state text not null check (state in ('creating', 'running', 'changing', 'hibernated', 'deleting', 'deleted', 'failed')),
    gate_generation bigint not null default 1,
    grace_until bigint not null default 0,
    health_status text not null check (health_status in ('healthy', 'progressing', 'degraded', 'down', 'unknown')),
    health text not null,
    health_since bigint not null,
    running_version text,
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);

create unique index instance_name on instance (tenant_id, folded) where state <> 'deleted';
create index instance_cluster on instance (cluster, updated_at);
create index instance_created on instance (created_at, id);
create index instance_health on instance (health_status) where state <> 'deleted';

-- What the watch last saw of an instance, and what the last request through its gateway brought.
create table observation (
    instance_id text primary key references instance (id),
    seen text not null,
    at bigint not null
);

create table probe (
    instance_id text primary key references instance (id),
    outcome text not null,
    at bigint not null
);

-- Every change of status, kept: uptime, incidents and the history strip.
create table health_transition (
    instance_id text not null references instance (id),
    at bigint not null,
    status text not null check (status in ('healthy', 'progressing', 'degraded', 'down', 'unknown')),
    cause text,
    primary key (instance_id, at)
);
