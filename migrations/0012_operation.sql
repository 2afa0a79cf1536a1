-- Operations and their steps. A worker holds one by a lease with a fence that grows at every claim;
-- attempts counts the claims since the last progress. At most one is active per instance.
create table operation (
    id text primary key,
    instance_id text not null references instance (id),
    tenant_id text not null references tenant (id),
    kind text not null check (kind in ('create', 'upgrade', 'reconfigure', 'delete')),
    state text not null check (state in ('queued', 'running', 'waiting', 'stuck', 'succeeded', 'failed', 'cancelled')),
    wish text not null,
    summary text not null,
    requested_by text not null,
    created_at bigint not null,
    started_at bigint,
    finished_at bigint,
    cause text,
    cause_since bigint,
    cancel_requested_at bigint,
    attempts bigint not null default 0,
    run_after bigint not null,
    nudged bigint not null default 0,
    lease_owner text,
    lease_until bigint,
    fence bigint not null default 0
);

create unique index operation_active on operation (instance_id)
    where state in ('queued', 'running', 'waiting', 'stuck');
create index operation_due on operation (run_after, id)
    where state in ('queued', 'running', 'waiting', 'stuck');
create index operation_instance on operation (instance_id, id);
create index operation_holder on operation (lease_owner) where lease_owner is not null;

create table operation_step (
    operation_id text not null references operation (id),
    ordinal bigint not null,
    name text not null,
    state text not null check (state in ('pending', 'running', 'waiting', 'succeeded', 'failed', 'skipped')),
    started_at bigint,
    finished_at bigint,
    message text,
    deadline_at bigint,
    primary key (operation_id, ordinal)
);
