-- Up Migration
-- What Koku's own installation puts into a new tenant: default partitions with their entries in the register,
-- and the cost category Platform. Only where the tables are ours.

do $$
declare
    parent record;
begin
    for parent in
        select c.relname as table_name
        from pg_class c
        where c.relnamespace = (select oid from pg_namespace where nspname = current_schema())
            and c.relkind = 'p'
            and (c.relname like 'reporting\_ocp%\_p'
                or c.relname in ('reporting_ocpusagelineitem_daily_summary', 'rates_to_usage'))
            and not exists (select from ocp_adopted_table a where a.name = c.relname)
        order by c.relname
    loop
        -- where the register is Koku's, its trigger creates the partition
        insert into partitioned_tables (
            schema_name, table_name, partition_of_table_name, partition_type, partition_col, partition_parameters, active
        )
        values (
            current_schema(), parent.table_name || '_default', parent.table_name, 'range', 'usage_start',
            '{"default": true}', true
        )
        on conflict (schema_name, table_name) do nothing;
        execute format(
            'create table if not exists %I partition of %I default',
            parent.table_name || '_default', parent.table_name
        );
    end loop;
end
$$;

insert into reporting_ocp_cost_category (name, description, source_type, system_default, label)
select 'Platform', 'Default OpenShift projects bucketed into a Platform group', 'OCP', true, '{}'
where not exists (select from ocp_adopted_table where name = 'reporting_ocp_cost_category')
on conflict (name) do nothing;

-- patterns of SQL LIKE
insert into reporting_ocp_cost_category_namespace (namespace, system_default, cost_category_id)
select p.pattern, true, c.id
from reporting_ocp_cost_category c
cross join unnest(array['openshift-%', 'kube-%', 'Platform unallocated', 'openshift']) with ordinality as p (pattern, position)
where c.name = 'Platform'
    and not exists (select from ocp_adopted_table where name = 'reporting_ocp_cost_category_namespace')
order by p.position
on conflict (namespace) do nothing;

-- References are checked at the end of the transaction; checks still pending would keep later migrations from
-- altering the table, because all pending migrations share one transaction.
set constraints all immediate;
