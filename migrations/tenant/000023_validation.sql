-- Up Migration
-- What checks after the summary found: discrepancies of a day, and the cloud a source runs on.

create table if not exists ocp_validation_warning (
    source_uuid uuid not null,
    usage_day date not null,
    version bigint not null,
    check_name text not null,
    expected double precision not null,
    found double precision not null,
    noted_at timestamptz not null default now(),
    primary key (source_uuid, usage_day, check_name),
    -- A day that the ledger forgets takes its warnings along.
    foreign key (source_uuid, usage_day) references ocp_day (source_uuid, usage_day) on delete cascade
);
comment on table ocp_validation_warning is 'One row per check that the summary of a (source, UTC day) did not pass when it was validated last; a day without rows is clean.';
comment on column ocp_validation_warning.source_uuid is 'Provider.';
comment on column ocp_validation_warning.usage_day is 'UTC day.';
comment on column ocp_validation_warning.version is 'Version of the day''s summary that was checked; a greater one in ocp_day is not validated yet.';
comment on column ocp_validation_warning.check_name is 'What was compared; the unit is in the name, names ending in _rows and storage_claims are counts.';
comment on column ocp_validation_warning.expected is 'Value computed from staging, or that an identity demands.';
comment on column ocp_validation_warning.found is 'Value in the daily summary.';
comment on column ocp_validation_warning.noted_at is 'When the day was validated.';

alter table ocp_source_month
    add column if not exists infrastructure text,
    add column if not exists infrastructure_provider_uuid uuid,
    add column if not exists infrastructure_checked_at timestamptz;
comment on column ocp_source_month.infrastructure is 'Type of the cloud provider that the cluster runs on in the month, for example AWS; none when no cloud bill of the tenant matches; NULL until checked.';
comment on column ocp_source_month.infrastructure_provider_uuid is 'That cloud provider; NULL when there is none.';
comment on column ocp_source_month.infrastructure_checked_at is 'When that was last looked for.';

-- The data dictionary is made of comments: those that columns of Koku's summary tables still lack, where this program
-- created the table.
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
