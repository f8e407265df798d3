-- Up Migration
-- The daily summary that every report is derived from, and the per-rate costs beside it. Both partitioned by month.

create table if not exists reporting_ocpusagelineitem_daily_summary (
    uuid uuid not null,
    cluster_id varchar(50),
    cluster_alias varchar(256),
    data_source varchar(64),
    namespace varchar(253),
    node varchar(253),
    resource_id varchar(253),
    usage_start date not null,
    usage_end date not null,
    pod_labels jsonb,
    pod_usage_cpu_core_hours numeric(33,15),
    pod_request_cpu_core_hours numeric(33,15),
    pod_effective_usage_cpu_core_hours numeric(33,15),
    pod_limit_cpu_core_hours numeric(33,15),
    pod_usage_memory_gigabyte_hours numeric(33,15),
    pod_request_memory_gigabyte_hours numeric(33,15),
    pod_effective_usage_memory_gigabyte_hours numeric(33,15),
    pod_limit_memory_gigabyte_hours numeric(33,15),
    node_capacity_cpu_cores numeric(33,15),
    node_capacity_cpu_core_hours numeric(33,15),
    node_capacity_memory_gigabytes numeric(33,15),
    node_capacity_memory_gigabyte_hours numeric(33,15),
    cluster_capacity_cpu_core_hours numeric(33,15),
    cluster_capacity_memory_gigabyte_hours numeric(33,15),
    persistentvolumeclaim varchar(253),
    persistentvolume varchar(253),
    storageclass varchar(253),
    volume_labels jsonb,
    persistentvolumeclaim_capacity_gigabyte numeric(33,15),
    persistentvolumeclaim_capacity_gigabyte_months numeric(33,15),
    volume_request_storage_gigabyte_months numeric(33,15),
    persistentvolumeclaim_usage_gigabyte_months numeric(33,15),
    infrastructure_raw_cost numeric(33,15),
    infrastructure_project_raw_cost numeric(33,15),
    infrastructure_usage_cost jsonb,
    infrastructure_markup_cost numeric(33,15),
    infrastructure_project_markup_cost numeric(33,15),
    infrastructure_monthly_cost numeric(33,15),
    infrastructure_monthly_cost_json jsonb,
    supplementary_usage_cost jsonb,
    supplementary_monthly_cost numeric(33,15),
    supplementary_monthly_cost_json jsonb,
    infrastructure_project_monthly_cost jsonb,
    supplementary_project_monthly_cost jsonb,
    cost_model_cpu_cost numeric(33,15),
    cost_model_memory_cost numeric(33,15),
    cost_model_rate_type text,
    cost_model_volume_cost numeric(33,15),
    monthly_cost_type text,
    distributed_cost numeric(33,15),
    raw_currency text,
    source_uuid uuid,
    report_period_id integer,
    cost_category_id integer,
    all_labels jsonb,
    infrastructure_data_in_gigabytes numeric(33,15),
    infrastructure_data_out_gigabytes numeric(33,15),
    cost_model_gpu_cost numeric(33,15),
    constraint reporting_ocpusagelineitem_daily_summary_pkey primary key (usage_start, uuid),
    constraint reporting_ocpusageli_cost_category_id_282623a2_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint reporting_ocpusageli_report_period_id_fc68baea_fk_reporting
        foreign key (report_period_id)
        references reporting_ocpusagereportperiod (id) deferrable initially deferred
) partition by range (usage_start);

create table if not exists rates_to_usage (
    uuid uuid not null,
    report_period_id integer,
    source_uuid uuid not null,
    usage_start date not null,
    usage_end date not null,
    node varchar(253),
    namespace varchar(253),
    cluster_id text not null,
    cluster_alias text,
    data_source varchar(63),
    persistentvolumeclaim varchar(253),
    pod_labels jsonb,
    volume_labels jsonb,
    all_labels jsonb,
    custom_name varchar(50) not null,
    metric_type varchar(20) not null,
    cost_model_rate_type text,
    monthly_cost_type text,
    calculated_cost numeric(33,15),
    distributed_cost numeric(33,15),
    labels jsonb,
    label_hash varchar(64),
    cost_category_id integer,
    cost_model_id uuid,
    rate_id uuid,
    cluster_capacity_cpu_core_hours numeric(33,15),
    cluster_capacity_memory_gigabyte_hours numeric(33,15),
    node_capacity_cpu_core_hours numeric(33,15),
    node_capacity_cpu_cores numeric(33,15),
    node_capacity_memory_gigabyte_hours numeric(33,15),
    node_capacity_memory_gigabytes numeric(33,15),
    persistentvolume varchar(253),
    resource_id varchar(253),
    storageclass varchar(253),
    constraint rates_to_usage_pkey primary key (usage_start, uuid),
    constraint rates_to_usage_cost_category_id_85b5b064_fk_reporting
        foreign key (cost_category_id)
        references reporting_ocp_cost_category (id) deferrable initially deferred,
    constraint rates_to_usage_cost_model_id_656f6c76_fk_cost_model_uuid
        foreign key (cost_model_id)
        references cost_model (uuid) on delete cascade deferrable initially deferred,
    constraint rates_to_usage_rate_id_ee9b159e_fk_cost_model_rate_uuid
        foreign key (rate_id)
        references cost_model_rate (uuid) on delete cascade deferrable initially deferred,
    constraint rates_to_usage_report_period_id_fk
        foreign key (report_period_id)
        references reporting_ocpusagereportperiod (id) on delete cascade deferrable initially deferred,
    constraint rates_to_usage_source_uuid_fk
        foreign key (source_uuid)
        references reporting_tenant_api_provider (uuid) on delete cascade deferrable initially deferred
) partition by range (usage_start);

-- Indexes only where the table is ours: what Koku created stays as Koku left it.
do $$
begin
    if not exists (select from ocp_adopted_table where name = 'reporting_ocpusagelineitem_daily_summary') then
        -- every rebuild deletes by source and day
        create index reporting_ocpusagelineitem_daily_summary_source_day_idx
            on reporting_ocpusagelineitem_daily_summary (source_uuid, usage_start);
        -- the API filters and groups by label
        create index reporting_ocpusagelineitem_daily_summary_pod_labels_idx
            on reporting_ocpusagelineitem_daily_summary using gin (pod_labels);
        create index reporting_ocpusagelineitem_daily_summary_volume_labels_idx
            on reporting_ocpusagelineitem_daily_summary using gin (volume_labels);
        create index reporting_ocpusagelineitem_daily_summary_all_labels_idx
            on reporting_ocpusagelineitem_daily_summary using gin (all_labels);
    end if;
end
$$;
