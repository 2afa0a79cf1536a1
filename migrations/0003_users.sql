-- People, what they are in each tenant, and invitations to become one of them. Only the hash of an
-- invitation's token is kept. `place` is the tenant, or 'staff', so that one open invitation per
-- address and place can be demanded.
create table app_user (
    id text primary key,
    email text not null,
    email_folded text not null unique,
    name text not null,
    password_hash text not null,
    staff_role text check (staff_role in ('staff_owner', 'staff_operator', 'staff_viewer')),
    created_at bigint not null,
    disabled_at bigint
);
create table membership (
    user_id text not null references app_user (id) on delete cascade,
    tenant_id text not null references tenant (id) on delete cascade,
    role text not null check (role in ('tenant_admin', 'tenant_member')),
    created_at bigint not null,
    primary key (user_id, tenant_id)
);
create index membership_tenant on membership (tenant_id, user_id);
create table invitation (
    id text primary key,
    email text not null,
    email_folded text not null,
    role text not null check (role in ('staff_owner', 'staff_operator', 'staff_viewer', 'tenant_admin', 'tenant_member')),
    tenant_id text references tenant (id) on delete cascade,
    place text not null,
    inviter text not null,
    token_hash text not null unique,
    created_at bigint not null,
    expires_at bigint not null,
    accepted_at bigint,
    withdrawn_at bigint
);
create unique index invitation_open on invitation (place, email_folded)
    where accepted_at is null and withdrawn_at is null;
create index invitation_tenant on invitation (tenant_id);
