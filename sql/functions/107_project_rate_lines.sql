-- functions/107_project_rate_lines.sql
-- Purpose  monthly price of projects, by the value of a label of the namespace
-- Formula  project_per_month   1 / D / nodes that the namespace used that day · price, one row per node; without a node
--          the
--              whole, node NULL; a value that is not listed has the default, if there is one → cpu
-- Unit     months of a project; D = days of the month
-- Domain   §8.5; trap 44
-- Reads    ocp_namespace_label_day with ocp_label_set: all labels of the day, enabled or not; of a key that changed the
--          last ocp_pod_day, ocp_claim_day: nodes
-- Grain    day × namespace × node × rate; not openshift, openshift-%, kube-%
-- Rerun    repeatable definition

create or replace function ocp_project_rate_lines(p_source_uuid uuid, p_days date[]) returns setof ocp_cost_line
language sql stable rows 1000
set search_path from current
set enable_mergejoin = off
set jit = off
as $$
    with price as materialized (
        select
            price_list_id,
            rate_id,
            cost_type,
            tag_key,
            tag_value,
            listed_values,
            unit_price
        from ocp_tag_prices(p_source_uuid, p_days[1], array['project_per_month'])
    ),
    last_values as (
        select distinct on (label_day.usage_day, label_day.namespace, label.key)
            label_day.usage_day,
            label_day.namespace,
            label.key,
            label.value
        from ocp_namespace_label_day as label_day
        join ocp_label_set as label_set using (label_set_id)
        cross join lateral jsonb_each_text(label_set.labels) as label
        where label_day.source_uuid = p_source_uuid
            and label_day.usage_day = any(p_days)
            and label_day.namespace <> 'openshift'
            and label_day.namespace not like 'openshift-%'
            and label_day.namespace not like 'kube-%'
            and exists (select from price)
        order by
            label_day.usage_day, label_day.namespace, label.key, label_day.last_hour desc, label.value collate "C" desc
    ),
    namespace_days as (
        select
            usage_day,
            namespace,
            jsonb_object_agg(key, value) as labels
        from last_values
        group by usage_day, namespace
    ),
    node_days as (
        select
            usage_day,
            namespace,
            node
        from ocp_pod_day
        where source_uuid = p_source_uuid
            and usage_day = any(p_days)
            and node <> ''
            and exists (select from price)
        union
        select
            usage_day,
            namespace,
            node
        from ocp_claim_day
        where source_uuid = p_source_uuid
            and usage_day = any(p_days)
            and node <> ''
            and exists (select from price)
    ),
    placed_days as (
        select
            day.usage_day,
            day.namespace,
            day.labels,
            node_day.node,
            greatest(count(node_day.node) over (partition by day.usage_day, day.namespace), 1)
                * ocp_days_of_month(p_days[1]) as parts
        from namespace_days as day
        left join node_days as node_day
            on node_day.usage_day = day.usage_day
            and node_day.namespace = day.namespace
    )
    select
        day.usage_day,
        'Pod',
        day.namespace,
        day.node,
        null::text,
        null::text,
        null::text,
        null::text,
        day.labels,
        null::jsonb,
        day.labels,
        ocp_cost_category_id(day.namespace),
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        null::numeric,
        price.cost_type,
        'Tag',
        null::text,
        price.price_list_id,
        price.rate_id,
        'project_per_month',
        'cpu',
        1::numeric / day.parts,
        price.unit_price,
        price.unit_price / day.parts
    from placed_days as day
    join price on ocp_has_price(day.labels, price.tag_key, price.tag_value, price.listed_values)
$$;
comment on function ocp_project_rate_lines(uuid, date[]) is
'Lines of the monthly rates for projects, for days of one month; each project pays once a day.';
