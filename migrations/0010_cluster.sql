-- Clusters: what a person set (settings, with the columns that the placement rule asks for beside
-- them) and what the watch last saw of the cluster itself.
create table cluster (
    name text primary key,
    region text not null,
    purpose text not null check (purpose in ('development', 'production')),
    capacity bigint not null check (capacity >= 0),
    cordoned boolean not null,
    settings text not null,
    reachable text not null default 'unknown' check (reachable in ('unknown', 'yes', 'no')),
    reachable_since bigint,
    as_of bigint,
    why text not null default '',
    kubernetes text not null default '',
    overrides_trouble text not null default '',
    placed_at bigint not null default 0,
    created_at bigint not null,
    updated_at bigint not null
);

create index cluster_place on cluster (region, purpose, name);

-- Who holds which duty (one watcher per cluster), until when, and how often it changed hands.
create table lease (
    name text primary key,
    holder text not null,
    until bigint not null,
    fence bigint not null
);
