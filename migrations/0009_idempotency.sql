-- Answers kept for requests that are repeated with the same key. `ticket` tells the request that
-- holds a key now from one that held it before and comes back late. `done` says what was done, as
-- soon as it is: a request whose answer was lost is not carried out again.
create table idempotency (
    actor text not null,
    route text not null,
    key text not null,
    body_hash text not null,
    state text not null check (state in ('running', 'done')),
    ticket text not null,
    lease_until bigint not null,
    expires_at bigint not null,
    status bigint not null,
    body text not null,
    done text not null default '',
    primary key (actor, route, key)
);
create index idempotency_expiry on idempotency (expires_at);
