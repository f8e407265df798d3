-- Up Migration
-- Summary tables of the user interface: costs and network. Partitioned by month; the primary key is enough to find a day.

create table if not exists reporting_ocp_cost_summary_p (
    id uuid default gen_random_uuid() not null,
    cluster_id text not null,
    cluster_alias text,
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
    distributed_cost numeric(33,15),
    raw_currency text,
    source_uuid uuid,
    cost_category_id integer,
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocp_cost_summary_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_cost_s_cost_category_id_99f89751_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_cost_s_source_uuid_712f56c5_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);

create table if not exists reporting_ocp_cost_summary_by_node_p (
    id uuid default gen_random_uuid() not null,
    cluster_id text not null,
    cluster_alias text,
    node varchar(253),
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
    distributed_cost numeric(33,15),
    raw_currency text,
    source_uuid uuid,
    cost_category_id integer,
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocp_cost_summary_by_node_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_cost_s_cost_category_id_34110906_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_cost_s_source_uuid_9e40e862_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);

create table if not exists reporting_ocp_cost_summary_by_project_p (
    id uuid default gen_random_uuid() not null,
    cluster_id text not null,
    cluster_alias text,
    namespace varchar(253),
    usage_start date not null,
    usage_end date not null,
    infrastructure_usage_cost jsonb,
    infrastructure_project_monthly_cost jsonb,
    supplementary_usage_cost jsonb,
    supplementary_project_monthly_cost jsonb,
    cost_model_cpu_cost numeric(33,15),
    cost_model_memory_cost numeric(33,15),
    cost_model_rate_type text,
    cost_model_volume_cost numeric(33,15),
    distributed_cost numeric(33,15),
    raw_currency text,
    source_uuid uuid,
    cost_category_id integer,
    infrastructure_markup_cost numeric(33,15),
    infrastructure_raw_cost numeric(33,15),
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocp_cost_summary_by_project_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_cost_s_cost_category_id_a06a1526_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_cost_s_source_uuid_53a98de8_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);

create table if not exists reporting_ocp_cost_breakdown_p (
    id uuid not null,
    usage_start date not null,
    usage_end date not null,
    cluster_id text not null,
    cluster_alias text,
    namespace varchar(253),
    node varchar(253),
    custom_name varchar(50) not null,
    metric_type varchar(30) not null,
    cost_model_rate_type text,
    cost_value numeric(33,15),
    distributed_cost numeric(33,15),
    raw_currency text,
    path varchar(512) not null,
    depth smallint not null,
    parent_path varchar(512) not null,
    top_category varchar(512) not null,
    breakdown_category varchar(50) not null,
    cost_category_id integer,
    source_uuid uuid,
    constraint reporting_ocp_cost_breakdown_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_cost_b_cost_category_id_01be7959_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_cost_b_source_uuid_f10c908f_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);

create table if not exists reporting_ocp_network_summary_p (
    id uuid default gen_random_uuid() not null,
    cluster_alias text,
    cluster_id text not null,
    cost_model_cpu_cost numeric(33,15),
    cost_model_memory_cost numeric(33,15),
    cost_model_rate_type text,
    cost_model_volume_cost numeric(33,15),
    data_source varchar(64),
    distributed_cost numeric(33,15),
    infrastructure_data_in_gigabytes numeric(33,15),
    infrastructure_data_out_gigabytes numeric(33,15),
    infrastructure_markup_cost numeric(33,15),
    infrastructure_raw_cost numeric(33,15),
    raw_currency text,
    resource_count integer,
    resource_ids varchar(256)[],
    usage_end date not null,
    usage_start date not null,
    cost_category_id integer,
    source_uuid uuid,
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocp_network_summary_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_networ_cost_category_id_0ca6921d_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_networ_source_uuid_142fabd3_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);

create table if not exists reporting_ocp_network_summary_by_node_p (
    id uuid default gen_random_uuid() not null,
    cluster_alias text,
    cluster_id text not null,
    cost_model_cpu_cost numeric(33,15),
    cost_model_memory_cost numeric(33,15),
    cost_model_rate_type text,
    cost_model_volume_cost numeric(33,15),
    data_source varchar(64),
    distributed_cost numeric(33,15),
    infrastructure_data_in_gigabytes numeric(33,15),
    infrastructure_data_out_gigabytes numeric(33,15),
    infrastructure_markup_cost numeric(33,15),
    infrastructure_raw_cost numeric(33,15),
    node varchar(253),
    raw_currency text,
    resource_count integer,
    resource_ids varchar(256)[],
    usage_end date not null,
    usage_start date not null,
    cost_category_id integer,
    source_uuid uuid,
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocp_network_summary_by_node_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_networ_cost_category_id_e2c95576_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_networ_source_uuid_ef52f302_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);

create table if not exists reporting_ocp_network_summary_by_project_p (
    id uuid default gen_random_uuid() not null,
    cluster_alias text,
    cluster_id text not null,
    cost_model_cpu_cost numeric(33,15),
    cost_model_memory_cost numeric(33,15),
    cost_model_rate_type text,
    cost_model_volume_cost numeric(33,15),
    data_source varchar(64),
    distributed_cost numeric(33,15),
    infrastructure_data_in_gigabytes numeric(33,15),
    infrastructure_data_out_gigabytes numeric(33,15),
    infrastructure_markup_cost numeric(33,15),
    infrastructure_raw_cost numeric(33,15),
    namespace varchar(253),
    raw_currency text,
    resource_count integer,
    resource_ids varchar(256)[],
    usage_end date not null,
    usage_start date not null,
    cost_category_id integer,
    source_uuid uuid,
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocp_network_summary_by_project_p_pkey primary key (usage_start, id),
    constraint reporting_ocp_networ_cost_category_id_e2e13dc9_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocp_networ_source_uuid_df915ee2_fk_reporting
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
) partition by range (usage_start);
