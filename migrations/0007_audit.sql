-- The audit trail: rows in chains, each with the hash of the one before, and the head of each chain.
-- No row refers to another table, because the trail outlives what it tells of.
create table audit_head (
    chain text primary key,
    sequence bigint not null,
    hash text not null
);
create table audit (
    chain text not null,
    sequence bigint not null,
    at bigint not null,
    actor_kind text not null,
    actor_id text not null,
    actor_name text not null,
    address text not null,
    request_id text not null,
    action text not null,
    subject text not null,
    summary text not null,
    tenant_id text,
    was text not null,
    became text not null,
    previous text not null,
    hash text not null,
    primary key (chain, sequence)
);
create index audit_time on audit (at, chain, sequence);
