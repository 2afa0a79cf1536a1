-- Organisations. A deleted one keeps its row, since rows of its deleted instances refer to it.
create table tenant (
    id text primary key,
    name text not null,
    name_folded text not null,
    name_order text not null,
    created_at bigint not null,
    deleted_at bigint
);
create unique index tenant_name on tenant (name_folded) where deleted_at is null;
create index tenant_order on tenant (name_order, id);
