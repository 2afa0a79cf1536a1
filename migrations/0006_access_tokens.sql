-- Access tokens of this control plane's own API, by hash. Without a user they were made at the
-- command line and act for the staff.
create table access_token (
    id text primary key,
    name text not null,
    hint text not null,
    token_hash text not null unique,
    scopes text not null,
    user_id text references app_user (id) on delete cascade,
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint,
    last_used_at bigint
);
create index access_token_user on access_token (user_id);
