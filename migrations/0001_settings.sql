-- Facts about this deployment itself: fingerprints of keys, so that a wrong key file is noticed.
create table setting (
    name text primary key,
    value text not null
);
