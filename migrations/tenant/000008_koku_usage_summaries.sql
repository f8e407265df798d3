-- Up Migration
-- Summary tables of the user interface: pods, volumes, virtual machines, GPUs. Partitioned by month.

create table if not exists reporting_ocp_pod_summary_p (
    id uuid default gen_random_uuid() not null,
    cluster_id text not null,
    cluster_alias text,
    resource_ids varchar(256)[],
    resource_count integer,
    data_source varchar(64),
    usage_start date not null,
    usage_end date not null,
    infrastructure_raw_cost numeric(33,15),
    infrastructure_usage_cost jsonb,
    infrastructure_markup_cost numeric(33,15),
    infrastructure_monthly_cost_json jsonb,
    supplementary_usage_cost jsonb,
    supplementary_monthly_cost_json jsonb,
    cost_model_cpu_cost numeric(33,15),
    cost_model_memory_cost numeric(33,15),
    cost_model_rate_type text,
    cost_model_volume_cost numeric(33,15),
    pod_usage_cpu_core_hours numeric(33,15),
    pod_request_cpu_core_hours numeric(33,15),
    pod_effective_usage_cpu_core_hours numeric(33,15),
    pod_limit_cpu_core_hours numeric(33,15),
    pod_usage_memory_gigabyte_hours numeric(33,15),
    pod_request_memory_gigabyte_hours numeric(33,15),
    pod_effective_usage_memory_gigabyte_hours numeric(33,15),
    pod_limit_memory_gigabyte_hours numeric(33,15),
    cluster_capacity_cpu_core_hours numeric(33,15),
    cluster_capacity_memory_gigabyte_hours numeric(33,15),
    distributed_cost numeric(33,15),
    raw_currency text,
    source_uuid uuid,
    cost_category_id integer,
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocp_pod_summary_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_pod_su_cost_category_id_e5069e6a_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_pod_su_source_uuid_2f58f093_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);

create table if not exists reporting_ocp_pod_summary_by_node_p (
    id uuid default gen_random_uuid() not null,
    cluster_id text not null,
    cluster_alias text,
    node varchar(253),
    resource_ids varchar(256)[],
    resource_count integer,
    data_source varchar(64),
    usage_start date not null,
    usage_end date not null,
    infrastructure_raw_cost numeric(33,15),
    infrastructure_usage_cost jsonb,
    infrastructure_markup_cost numeric(33,15),
    infrastructure_monthly_cost_json jsonb,
    supplementary_usage_cost jsonb,
    supplementary_monthly_cost_json jsonb,
    pod_usage_cpu_core_hours numeric(33,15),
    pod_request_cpu_core_hours numeric(33,15),
    pod_effective_usage_cpu_core_hours numeric(33,15),
    pod_limit_cpu_core_hours numeric(33,15),
    pod_usage_memory_gigabyte_hours numeric(33,15),
    pod_request_memory_gigabyte_hours numeric(33,15),
    pod_effective_usage_memory_gigabyte_hours numeric(33,15),
    pod_limit_memory_gigabyte_hours numeric(33,15),
    cluster_capacity_cpu_core_hours numeric(33,15),
    cluster_capacity_memory_gigabyte_hours numeric(33,15),
    node_capacity_cpu_cores numeric(33,15),
    node_capacity_cpu_core_hours numeric(33,15),
    node_capacity_memory_gigabytes numeric(33,15),
    node_capacity_memory_gigabyte_hours numeric(33,15),
    raw_currency text,
    distributed_cost numeric(33,15),
    cost_model_cpu_cost numeric(33,15),
    cost_model_memory_cost numeric(33,15),
    cost_model_volume_cost numeric(33,15),
    cost_model_rate_type text,
    cost_category_id integer,
    source_uuid uuid,
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocp_pod_summary_by_node_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_pod_su_cost_category_id_6d2e3a64_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_pod_su_source_uuid_62189903_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);

create table if not exists reporting_ocp_pod_summary_by_project_p (
    id uuid default gen_random_uuid() not null,
    cluster_id text not null,
    cluster_alias text,
    namespace varchar(253),
    resource_ids varchar(256)[],
    resource_count integer,
    data_source varchar(64),
    usage_start date not null,
    usage_end date not null,
    infrastructure_raw_cost numeric(33,15),
    infrastructure_usage_cost jsonb,
    infrastructure_markup_cost numeric(33,15),
    infrastructure_monthly_cost_json jsonb,
    supplementary_usage_cost jsonb,
    supplementary_monthly_cost_json jsonb,
    cost_model_cpu_cost numeric(33,15),
    cost_model_memory_cost numeric(33,15),
    cost_model_rate_type text,
    cost_model_volume_cost numeric(33,15),
    pod_usage_cpu_core_hours numeric(33,15),
    pod_request_cpu_core_hours numeric(33,15),
    pod_effective_usage_cpu_core_hours numeric(33,15),
    pod_limit_cpu_core_hours numeric(33,15),
    pod_usage_memory_gigabyte_hours numeric(33,15),
    pod_request_memory_gigabyte_hours numeric(33,15),
    pod_effective_usage_memory_gigabyte_hours numeric(33,15),
    pod_limit_memory_gigabyte_hours numeric(33,15),
    cluster_capacity_cpu_core_hours numeric(33,15),
    cluster_capacity_memory_gigabyte_hours numeric(33,15),
    distributed_cost numeric(33,15),
    raw_currency text,
    source_uuid uuid,
    cost_category_id integer,
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocp_pod_summary_by_project_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_pod_su_cost_category_id_36b5d901_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_pod_su_source_uuid_8e9ae49f_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);

create table if not exists reporting_ocp_volume_summary_p (
    id uuid default gen_random_uuid() not null,
    cluster_id text not null,
    cluster_alias text,
    resource_ids varchar(256)[],
    resource_count integer,
    data_source varchar(64),
    usage_start date not null,
    usage_end date not null,
    infrastructure_raw_cost numeric(33,15),
    infrastructure_usage_cost jsonb,
    infrastructure_markup_cost numeric(33,15),
    infrastructure_monthly_cost_json jsonb,
    supplementary_usage_cost jsonb,
    supplementary_monthly_cost_json jsonb,
    cost_model_cpu_cost numeric(33,15),
    cost_model_memory_cost numeric(33,15),
    cost_model_rate_type text,
    cost_model_volume_cost numeric(33,15),
    volume_request_storage_gigabyte_months numeric(33,15),
    persistentvolumeclaim_usage_gigabyte_months numeric(33,15),
    persistentvolumeclaim_capacity_gigabyte_months numeric(33,15),
    distributed_cost numeric(33,15),
    raw_currency text,
    source_uuid uuid,
    cost_category_id integer,
    persistentvolumeclaim varchar(253),
    storageclass varchar(253),
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocp_volume_summary_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_volume_cost_category_id_6ea10348_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_volume_source_uuid_e6110fc0_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);

create table if not exists reporting_ocp_volume_summary_by_project_p (
    id uuid default gen_random_uuid() not null,
    cluster_id text not null,
    cluster_alias text,
    namespace varchar(253),
    resource_ids varchar(256)[],
    resource_count integer,
    data_source varchar(64),
    usage_start date not null,
    usage_end date not null,
    infrastructure_raw_cost numeric(33,15),
    infrastructure_usage_cost jsonb,
    infrastructure_markup_cost numeric(33,15),
    infrastructure_monthly_cost_json jsonb,
    supplementary_usage_cost jsonb,
    supplementary_monthly_cost_json jsonb,
    cost_model_cpu_cost numeric(33,15),
    cost_model_memory_cost numeric(33,15),
    cost_model_rate_type text,
    cost_model_volume_cost numeric(33,15),
    volume_request_storage_gigabyte_months numeric(33,15),
    persistentvolumeclaim_usage_gigabyte_months numeric(33,15),
    persistentvolumeclaim_capacity_gigabyte_months numeric(33,15),
    distributed_cost numeric(33,15),
    raw_currency text,
    source_uuid uuid,
    cost_category_id integer,
    persistentvolumeclaim varchar(253),
    storageclass varchar(253),
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocp_volume_summary_by_project_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_volume_cost_category_id_c5c4fc43_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_volume_source_uuid_813b6b21_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);

create table if not exists reporting_ocp_vm_summary_p (
    id uuid not null,
    cluster_alias text,
    cluster_id text,
    namespace varchar(253),
    node varchar(253),
    vm_name text,
    cost_model_cpu_cost numeric(33,15),
    cost_model_memory_cost numeric(33,15),
    cost_model_rate_type text,
    cost_model_volume_cost numeric(33,15),
    distributed_cost numeric(33,15),
    pod_labels jsonb,
    pod_request_cpu_core_hours numeric(33,15),
    pod_request_memory_gigabyte_hours numeric(33,15),
    infrastructure_markup_cost numeric(33,15),
    infrastructure_raw_cost numeric(33,15),
    raw_currency text,
    resource_ids varchar(256)[],
    usage_end date not null,
    usage_start date not null,
    cost_category_id integer,
    source_uuid uuid,
    persistentvolumeclaim varchar(253),
    persistentvolumeclaim_capacity_gigabyte_months numeric(33,15),
    persistentvolumeclaim_usage_gigabyte_months numeric(33,15),
    storageclass varchar(253),
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocp_vm_summary_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_vm_summary_p_usage_start_cluster_id_namespace_key unique (usage_start, cluster_id, namespace, node, vm_name, cost_model_rate_type, persistentvolumeclaim),
    constraint reporting_ocp_vm_sum_cost_category_id_de446852_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_vm_sum_source_uuid_8c2e6794_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);

create table if not exists reporting_ocp_gpu_summary_p (
    id uuid not null,
    cluster_id text not null,
    cluster_alias text,
    namespace varchar(253),
    node varchar(253),
    usage_start date not null,
    usage_end date not null,
    vendor_name varchar(128),
    model_name varchar(128),
    memory_capacity_gb numeric(33,15),
    gpu_count integer,
    cost_model_gpu_cost numeric(33,15),
    raw_currency text,
    cost_model_cpu_cost numeric(33,15),
    cost_model_memory_cost numeric(33,15),
    cost_model_volume_cost numeric(33,15),
    cost_model_rate_type text,
    cost_category_id integer,
    source_uuid uuid,
    gpu_max_slices integer,
    gpu_mode varchar(32),
    mig_memory_capacity_gb numeric(33,15),
    mig_profile varchar(64),
    mig_slice_count integer,
    mig_strategy varchar(10),
    gpu_uuid varchar(128),
    mig_instance_id varchar(128),
    constraint reporting_ocp_gpu_summary_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_gpu_su_cost_category_id_f22c4db3_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_gpu_su_source_uuid_23a14f69_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);
