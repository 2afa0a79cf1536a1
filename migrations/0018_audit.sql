-- Why something was done, the text that is searched, and the form in which a row was hashed; and how
-- far the trail was handed on to each collector. Rows of the first form stay as they were hashed.
alter table audit add column form bigint not null default 1;
alter table audit add column why text not null default '';
alter table audit add column folded text not null default '';
create table audit_delivery (
    sink text not null,
    chain text not null,
    sequence bigint not null,
    primary key (sink, chain)
);
create table audit_sink (
    name text primary key,
    delivered_at bigint not null,
    failing_since bigint not null,
    failure text not null
);
