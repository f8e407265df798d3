-- costs/record_basis.sql
-- Purpose  record what the costs of a source and month are based on, and that its report period has them
-- Reads    cost_model, price_list
-- Writes   ocp_source_month, reporting_ocpusagereportperiod   grain: source × month
-- Params   $1 source_uuid uuid   $2 first day of the month date   $3 today date
-- Rerun    changes the time of the last computation alone
with period as (
    update reporting_ocpusagereportperiod
    set derived_cost_datetime = now()
    where provider_id = $1
        and report_period_start = $2::date::timestamp at time zone 'UTC'
),
basis as (
    select
        setting.cost_model_id,
        list.uuid as price_list_id,
        list.version as price_list_version,
        ocp_gpu_distribution($1, $2::date, $3::date) as gpu_distribution
    from ocp_cost_settings($1) as setting
    left join price_list as list on list.uuid = ocp_effective_price_list($1, $2::date)
)
update ocp_source_month as known
set cost_model_id = basis.cost_model_id,
    price_list_id = basis.price_list_id,
    price_list_version = basis.price_list_version,
    gpu_distribution = basis.gpu_distribution,
    costs_since = case
        when known.costs_since is not null
            and (known.cost_model_id, known.price_list_id, known.price_list_version)
            is not distinct from (basis.cost_model_id, basis.price_list_id, basis.price_list_version)
        then known.costs_since
        else now()
    end,
    costs_applied_at = now()
from basis
where known.source_uuid = $1
    and known.billing_month = $2::date
