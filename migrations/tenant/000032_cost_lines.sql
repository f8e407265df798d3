-- Up Migration
-- What the functions of each family of rates return (sql/functions/101 and following): single prices, before they are
-- added up to rows of the daily summary. Lines are not stored.

create type ocp_cost_line as (
    usage_start date,
    data_source text,
    namespace text,
    node text,
    resource_id text,
    persistentvolumeclaim text,
    persistentvolume text,
    storageclass text,
    pod_labels jsonb,
    volume_labels jsonb,
    all_labels jsonb,
    cost_category_id integer,
    node_capacity_cpu_cores numeric,
    node_capacity_cpu_core_hours numeric,
    node_capacity_memory_gigabytes numeric,
    node_capacity_memory_gigabyte_hours numeric,
    cluster_capacity_cpu_core_hours numeric,
    cluster_capacity_memory_gigabyte_hours numeric,
    cost_model_rate_type text,
    monthly_cost_type text,
    row_key text,
    price_list_id uuid,
    rate_id uuid,
    metric text,
    cost_column text,
    quantity numeric,
    unit_price numeric,
    cost numeric
);
comment on type ocp_cost_line is 'One price of one rate for one group of usage: the key of the cost row that it is part of, the rate, quantity · unit_price = cost.';
comment on column ocp_cost_line.row_key is 'Tells apart cost rows that look alike, such as those of several label maps that a rate reduced to one label.';
comment on column ocp_cost_line.metric is 'Metric of the rate, by Koku''s name.';
comment on column ocp_cost_line.cost_column is 'Column of the row that the cost goes to: cpu, memory, volume or gpu.';
comment on column ocp_cost_line.quantity is 'Amount, in the unit that the metric has a price for: core-hours, GiB-hours, GiB-months, or months and hours of the object.';
comment on column ocp_cost_line.unit_price is 'Price of one unit, in the currency of the price list.';
comment on column ocp_cost_line.cost is 'Cost in that currency.';

-- What the cost step did, for days and months. Days of before are due for it: the watch of settings finds them.

alter table ocp_day
    add column cost_settings_hash text;
update ocp_day
set cost_settings_hash = 'none'
where tags_version is not null;
comment on column ocp_day.cost_version is 'Version for which costs and report tables were written.';
comment on column ocp_day.cost_settings_hash is 'Hash of the cost model, as far as it concerns the month, that they were written with; see ocp_cost_settings_hash.';
comment on column ocp_day.ui_version is 'Not used: report tables are written with the costs. Workers of before write it.';
comment on column ocp_day.ui_settings_hash is 'Not used, as ui_version.';

alter table ocp_source_month
    add column cost_model_id uuid,
    add column price_list_id uuid,
    add column price_list_version integer,
    add column gpu_distribution text check (gpu_distribution in ('month', 'days', 'due')),
    add column costs_since timestamptz,
    add column costs_applied_at timestamptz;
comment on column ocp_source_month.cost_model_id is 'Cost model that the month''s costs are based on; NULL: none.';
comment on column ocp_source_month.price_list_id is 'Its price list that applies to the month; NULL: none is valid then.';
comment on column ocp_source_month.price_list_version is 'Version of that list.';
comment on column ocp_source_month.gpu_distribution is 'Free GPUs: due: distributed; month: once the month is over; days: once every day with usage is ours; NULL: never.';
comment on column ocp_source_month.costs_since is 'Since when costs are based on this model, list and version.';
comment on column ocp_source_month.costs_applied_at is 'When costs of the month were last written.';
