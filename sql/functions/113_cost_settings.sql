-- functions/113_cost_settings.sql
-- Purpose  when free GPUs are distributed, and one hash of everything that costs depend on beside the daily summary
-- Reads    cost_model, price_list, cost_model_rate; ocp_day and the daily summary where free GPUs are distributed; what
--          functions/104 reads of a month where machines have prices
-- Domain   §8.1, §8.7
-- Rerun    repeatable definitions

-- From the second day of the next month on, as Koku does it: on the first, the last day's reports are still coming.
create or replace function ocp_gpu_distribution(p_source_uuid uuid, p_month date, p_today date) returns text
language sql stable
set search_path from current
as $$
    select case
        when not setting.distributes_gpu or not ocp_has_gpu_rate(p_source_uuid, p_month) then null
        when p_today <= (p_month + interval '1 month')::date then 'month'
        when exists (
            select
            from ocp_summarised_days(p_source_uuid, p_month, false) as summarised (usage_day)
            where not exists (
                select
                from ocp_day
                where ocp_day.source_uuid = p_source_uuid
                    and ocp_day.usage_day = summarised.usage_day
            )
        ) then 'days'
        else 'due'
    end
    from ocp_cost_settings(p_source_uuid) as setting
$$;
comment on function ocp_gpu_distribution(uuid, date, date) is
'Whether the cost of free GPUs of a month (first day given) is distributed today: due; month: not before it is over; days: not while another writer has days of it; NULL: not at all.';

create or replace function ocp_cost_settings_hash(p_source_uuid uuid, p_month date, p_today date) returns text
language sql stable
set search_path from current
as $$
    select md5(concat_ws(
        e'\x01',
        setting::text,
        (
            select concat_ws(e'\x02', model.currency, model.distribution)
            from cost_model as model
            where model.uuid = setting.cost_model_id
        ),
        (
            select concat_ws(e'\x02', list.uuid, list.version, list.currency)
            from price_list as list
            where list.uuid = applied.price_list_id
        ),
        (
            select string_agg(
                concat_ws(e'\x02', rate.metric, rate.cost_type, rate.default_rate, rate.tag_key, rate.tag_values),
                e'\x03' order by rate.uuid
            )
            from cost_model_rate as rate
            where rate.price_list_id = applied.price_list_id
        ),
        coalesce(ocp_vm_month_hash(p_source_uuid, p_month), ''),
        ocp_gpu_distribution(p_source_uuid, p_month, p_today)
    ))
    from ocp_cost_settings(p_source_uuid) as setting
    cross join (select ocp_effective_price_list(p_source_uuid, p_month)) as applied (price_list_id)
$$;
comment on function ocp_cost_settings_hash(uuid, date, date) is
'Hash of cost model, price list with version and rates, currency, where virtual machines are, and whether free GPUs are distributed today; days priced with another hash are priced again.';
