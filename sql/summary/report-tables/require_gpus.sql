-- summary/report-tables/require_gpus.sql
-- Purpose  raise OCP01 unless staging holds the GPU rows of the days as they were loaded
-- Reads    ocp_piece, reporting_ocpusagelineitem_gpu_staging
-- Params   $1 source_uuid uuid   $2 days date[]
select ocp_require_staged('gpu_usage', $1, day, day)
from unnest($2::date[]) as day
