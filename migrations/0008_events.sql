-- The event stream and the counter that numbers it in commit order.
create table event_counter (
    one bigint primary key check (one = 1),
    last bigint not null,
    pruned bigint not null
);
insert into event_counter (one, last, pruned) values (1, 0, 0);
create table event (
    id bigint primary key,
    at bigint not null,
    subject text not null check (subject in ('tenant', 'instance', 'operation', 'cluster', 'release')),
    key text not null,
    tenant_id text,
    data text not null
);
create index event_tenant on event (tenant_id, id);
create index event_time on event (at, id);
