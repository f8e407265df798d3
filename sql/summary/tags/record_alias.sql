-- summary/tags/record_alias.sql
-- Purpose  note the name under which a source stands in the tag values
-- Reads    public.api_provider
-- Writes   ocp_tag_alias   grain: source
-- Params   $1 source_uuid uuid
-- Rerun    same name again writes nothing
insert into ocp_tag_alias as noted (source_uuid, cluster_alias)
select uuid, name
from public.api_provider
where uuid = $1
on conflict (source_uuid) do update
set cluster_alias = excluded.cluster_alias
where noted.cluster_alias <> excluded.cluster_alias
