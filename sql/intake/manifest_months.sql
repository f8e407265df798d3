-- intake/manifest_months.sql
-- Purpose  months for which a manifest has data
-- Params   $1 manifest_id integer
select distinct to_char(usage_day, 'YYYY-MM') as billing_month
from ocp_piece
where manifest_id = $1
order by 1
