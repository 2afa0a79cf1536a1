-- Sessions by the hash of their id, so that a copy of this table opens none; and the buckets that
-- limit how often one may try to sign in.
create table session (
    id_hash text primary key,
    key text not null unique,
    user_id text references app_user (id) on delete cascade,
    data text not null,
    device text not null,
    address text not null,
    created_at bigint not null,
    last_used_at bigint not null,
    expires_at bigint not null
);
create index session_owner on session (user_id);
create index session_expiry on session (expires_at);
create table sign_in (
    key text primary key,
    due bigint not null
);
create index sign_in_due on sign_in (due);
