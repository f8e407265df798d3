-- Up Migration
-- What prices of virtual machines are multiplied by: the greatest size of the day, and each hour of a machine once, however
-- many disks, nodes or labels it had.

alter table ocp_vm_day
    add column if not exists request_cores double precision not null default 0,
    add column if not exists counted_uptime double precision not null default 0;
comment on column ocp_vm_day.request_cores is 'Greatest CPU request of the day, cores.';
comment on column ocp_vm_day.counted_uptime is 'Uptime of the hours of its machine that this row stands for, seconds; added up over all rows of a machine each hour counts once.';

-- Days that are there already: as near as they tell, until they are summarised again.
update ocp_vm_day as known
set request_cores = known.last_request_cores,
    counted_uptime = case when placed.place = 1 then known.uptime else 0 end
from (
    select
        tableoid,
        ctid,
        row_number() over (
            partition by source_uuid, usage_day, namespace, vm_name, node
            order by uptime desc, persistentvolumeclaim, label_set_id
        ) as place
    from ocp_vm_day
) as placed
where placed.tableoid = known.tableoid
    and placed.ctid = known.ctid;
