-- summary/tags/add_mappings.sql
-- Purpose  map child keys to a parent; the caller has checked them and holds the table's lock
-- Writes   reporting_tagmapping   grain: child
-- Params   $1 parent key text   $2 child keys text[]
-- Rerun    a child of this parent is left alone
insert into reporting_tagmapping (parent_id, child_id)
select
    parent.uuid,
    child.uuid
from reporting_enabledtagkeys as parent
join reporting_enabledtagkeys as child
    on child.provider_type = 'OCP'
    and child.key = any($2::text[])
where parent.provider_type = 'OCP'
    and parent.key = $1
    and not exists (
        select 1
        from reporting_tagmapping as pair
        where pair.parent_id = parent.uuid
            and pair.child_id = child.uuid
    )
order by child.key collate "C"
