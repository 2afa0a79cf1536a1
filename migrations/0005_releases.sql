-- The catalogue. `place` orders versions by their numbers.
create table release (
    version text primary key,
    place bigint not null unique,
    channel text not null check (channel in ('preview', 'supported', 'deprecated', 'expired')),
    chart_revision text not null,
    images text not null,
    schema_levels text not null,
    destroys text,
    notes text not null
);
