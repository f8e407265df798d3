-- Up Migration
-- The data dictionary is made of comments: those that columns of Koku's summary tables lack after 000010_koku_comments,
-- where this program created the table.

do $$
declare
    entry record;
begin
    for entry in
        with meaning_by_column (column_name, meaning) as (
            values
                ('id', 'Key.'),
                ('uuid', 'Key.'),
                ('cluster_id', 'Cluster id that the operator sends.'),
                ('cluster_alias', 'Name of the source.'),
                ('provider_id', 'Source.'),
                ('report_period_id', 'Report period (month).'),
                ('persistentvolumeclaim', 'Volume claim; NULL on rows of pods.'),
                ('persistentvolume', 'Volume; NULL on rows of pods.'),
                ('storageclass', 'Storage class of the volume; NULL on rows of pods.'),
                ('vm_name', 'Virtual machine, by the label vm_kubevirt_io_name of its launcher pod.'),
                ('vendor_name', 'Vendor of the GPU, for example nvidia.'),
                ('model_name', 'Model of the GPU.'),
                ('gpu_count', 'Number of distinct gpu_uuid, so 1; NULL on rows of a GPU rate.'),
                ('gpu_uuid', 'UUID of the physical GPU.'),
                ('gpu_mode', 'dedicated, or MIG when the GPU is cut into slices.'),
                ('mig_profile', 'MIG profile, for example 1g.5gb; NULL for a dedicated GPU.'),
                ('mig_strategy', 'MIG strategy of the node.'),
                ('mig_instance_id', 'MIG instance; blank or NULL for a dedicated GPU.'),
                ('report_period_start', 'First of the month, 00:00 UTC.'),
                ('report_period_end', 'First of the next month, 00:00 UTC.'),
                ('summary_data_creation_datetime', 'When the period was first summarised.'),
                ('summary_data_updated_datetime', 'When it was last summarised.'),
                ('ocp_on_cloud_updated_datetime', 'When cloud cost was last distributed into the period.'),
                ('derived_cost_datetime', 'When the cost model was last applied.'),
                ('node', 'Node; NULL when there is none, as for a volume that no pod mounts.'),
                ('node_role', 'master, infra or worker; of several the greatest in the alphabet counts.'),
                ('node_capacity_cpu_cores', 'Cores of the node.'),
                ('architecture', 'Processor architecture, lower case, from the node''s labels; NULL when they do not say.'),
                ('resource_id', 'Cloud instance id of the node; may be blank.'),
                ('project', 'Namespace.'),
                ('namespace', 'Namespace.'),
                ('persistent_volume', 'Volume.'),
                ('persistent_volume_claim', 'Claim of the volume.'),
                ('csi_volume_handle', 'CSI volume handle, by which cloud disks are told; NULL when not sent.'),
                ('key', 'Label key, enabled, before tag mapping.'),
                ('value', 'Label value.'),
                ('values', 'Label values, sorted.'),
                ('cluster_ids', 'Cluster ids in which the value was seen.'),
                ('cluster_aliases', 'Names of these sources.'),
                ('namespaces', 'Namespaces in which the value was seen.'),
                ('nodes', 'Nodes on which the value was seen.')
        )
        select class.relname as table_name, attribute.attname as column_name,
            case
                when attribute.attname = 'cluster_id' and attribute.atttypid = 'uuid'::regtype then
                    'Cluster: uuid in reporting_ocp_clusters.'
                when attribute.attname = 'node' and attribute.attnotnull then 'Node.'
                else meaning_by_column.meaning
            end as meaning
        from pg_class as class
        join pg_attribute as attribute
            on attribute.attrelid = class.oid
            and attribute.attnum > 0
            and not attribute.attisdropped
        join meaning_by_column on meaning_by_column.column_name = attribute.attname
        where class.relnamespace = (select oid from pg_namespace where nspname = current_schema())
            and class.relkind in ('r', 'p')
            and not class.relispartition
            and class.relname like 'reporting\_ocp%'
            and class.relname not like 'reporting\_ocp\_cost\_category%'
            and not exists (select from ocp_adopted_table as adopted where adopted.name = class.relname)
            and col_description(class.oid, attribute.attnum) is null
    loop
        execute format('comment on column %I.%I is %L', entry.table_name, entry.column_name, entry.meaning);
    end loop;
end
$$;

-- What the sizes of volumes mean, now that every hour of a claim counts once.
do $$
declare
    entry record;
begin
    for entry in
        with column_meaning (column_name, meaning) as (
            values
                ('persistentvolumeclaim_capacity_gigabyte_months', 'Capacity, GiB-months: byte-seconds / (86400 × days of the month) / 2^30; every hour of a claim counts once, divided among its rows.'),
                ('persistentvolumeclaim_usage_gigabyte_months', 'Storage used, GiB-months; every hour of a claim counts once, divided among its rows.'),
                ('volume_request_storage_gigabyte_months', 'Storage requested, GiB-months; every hour of a claim counts once, divided among its rows.')
        )
        select format('comment on column %I.%I is %L', class.relname, attribute.attname, column_meaning.meaning) as statement
        from pg_class as class
        join pg_attribute as attribute on attribute.attrelid = class.oid and not attribute.attisdropped
        join column_meaning on column_meaning.column_name = attribute.attname
        where class.relnamespace = (select oid from pg_namespace where nspname = current_schema())
            and class.relkind = 'p'
            and class.relname like 'reporting\_ocp%'
            and not exists (select from ocp_adopted_table as adopted where adopted.name = class.relname)
    loop
        execute entry.statement;
    end loop;
end
$$;
