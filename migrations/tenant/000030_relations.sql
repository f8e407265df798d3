-- Up Migration
-- Daily relations: what an engine makes of a day's hourly rows. All later steps read these and nothing hourly, so that a
-- change of settings reads no line item again, and staging may go. Partitioned by month, kept as long as the summaries.
-- No foreign keys to ocp_label_set: they would check every row that is written, and a deleted set against every row of every
-- month. The sweep looks here before it deletes a set, and a summary refuses rows of which the set is gone (functions/017).

create table if not exists ocp_pod_day (
    usage_day date not null,
    source_uuid uuid not null,
    label_set_id bigint not null,
    namespace text,
    node text,
    pod text,
    resource_id text,
    row_count integer not null,
    usage_cpu double precision not null,
    request_cpu double precision not null,
    limit_cpu double precision not null,
    effective_cpu_design double precision not null,
    effective_cpu_koku double precision not null,
    usage_memory double precision not null,
    request_memory double precision not null,
    limit_memory double precision not null,
    effective_memory_design double precision not null,
    effective_memory_koku double precision not null,
    capacity_cores double precision not null,
    capacity_memory_bytes double precision not null,
    node_role text,
    is_control_plane boolean
) partition by range (usage_day);
create index if not exists ocp_pod_day_source_day_idx on ocp_pod_day (source_uuid, usage_day);
comment on table ocp_pod_day is 'What the hourly pod rows of a day add up to; written with the day''s summary, which is made of it and of nothing hourly.';
comment on column ocp_pod_day.usage_day is 'UTC day.';
comment on column ocp_pod_day.source_uuid is 'Provider.';
comment on column ocp_pod_day.label_set_id is 'Labels of the pod. See ocp_label_set.';
comment on column ocp_pod_day.namespace is 'Namespace.';
comment on column ocp_pod_day.node is 'Node; blank while the pod is not scheduled.';
comment on column ocp_pod_day.pod is 'Pod name.';
comment on column ocp_pod_day.resource_id is 'Cloud instance id of the node; may be blank.';
comment on column ocp_pod_day.row_count is 'Hourly rows.';
comment on column ocp_pod_day.usage_cpu is 'CPU used, core-seconds.';
comment on column ocp_pod_day.request_cpu is 'CPU requested, core-seconds.';
comment on column ocp_pod_day.limit_cpu is 'CPU limit, core-seconds.';
comment on column ocp_pod_day.effective_cpu_design is 'CPU effective usage of each hour under the rules "design", core-seconds.';
comment on column ocp_pod_day.effective_cpu_koku is 'The same under the rules "koku".';
comment on column ocp_pod_day.usage_memory is 'Memory used, byte-seconds.';
comment on column ocp_pod_day.request_memory is 'Memory requested, byte-seconds.';
comment on column ocp_pod_day.limit_memory is 'Memory limit, byte-seconds.';
comment on column ocp_pod_day.effective_memory_design is 'Memory effective usage of each hour under the rules "design", byte-seconds.';
comment on column ocp_pod_day.effective_memory_koku is 'The same under the rules "koku".';
comment on column ocp_pod_day.capacity_cores is 'Greatest number of cores of the node.';
comment on column ocp_pod_day.capacity_memory_bytes is 'Greatest memory of the node, bytes.';
comment on column ocp_pod_day.node_role is 'Greatest role that was sent, by bytes; NULL when none was.';
comment on column ocp_pod_day.is_control_plane is 'Whether control-plane was among the roles; NULL when none was sent.';

create table if not exists ocp_capacity_day (
    usage_day date not null,
    source_uuid uuid not null,
    node text not null,
    capacity_cpu double precision not null,
    capacity_memory double precision not null,
    hour_count integer not null
) partition by range (usage_day);
create index if not exists ocp_capacity_day_source_day_idx on ocp_capacity_day (source_uuid, usage_day);
comment on table ocp_capacity_day is 'Capacity of the nodes of a day: the greatest of each hour, summed over the hours.';
comment on column ocp_capacity_day.usage_day is 'UTC day.';
comment on column ocp_capacity_day.source_uuid is 'Provider.';
comment on column ocp_capacity_day.node is 'Node.';
comment on column ocp_capacity_day.capacity_cpu is 'CPU capacity, core-seconds.';
comment on column ocp_capacity_day.capacity_memory is 'Memory capacity, byte-seconds.';
comment on column ocp_capacity_day.hour_count is 'Hours with a pod on the node.';

create table if not exists ocp_claim_day (
    usage_day date not null,
    source_uuid uuid not null,
    persistentvolume_label_set_id bigint not null,
    persistentvolumeclaim_label_set_id bigint not null,
    namespace text,
    pod text,
    node text,
    resource_id text,
    persistentvolumeclaim text,
    persistentvolume text,
    storageclass text,
    csi_volume_handle text,
    row_count integer not null,
    capacity_bytes double precision not null,
    capacity double precision not null,
    request double precision not null,
    usage double precision not null,
    sent_capacity double precision not null,
    sent_request double precision not null,
    sent_usage double precision not null
) partition by range (usage_day);
create index if not exists ocp_claim_day_source_day_idx on ocp_claim_day (source_uuid, usage_day);
comment on table ocp_claim_day is 'What the hourly storage rows of a day add up to, on the nodes of the pods that mount the claims; each hour of a claim counts once.';
comment on column ocp_claim_day.usage_day is 'UTC day.';
comment on column ocp_claim_day.source_uuid is 'Provider.';
comment on column ocp_claim_day.persistentvolume_label_set_id is 'Labels of the volume. See ocp_label_set.';
comment on column ocp_claim_day.persistentvolumeclaim_label_set_id is 'Labels of the claim. See ocp_label_set.';
comment on column ocp_claim_day.namespace is 'Namespace.';
comment on column ocp_claim_day.pod is 'Pod that mounts the claim; blank when none does.';
comment on column ocp_claim_day.node is 'Node of the pod; NULL when no pod row tells.';
comment on column ocp_claim_day.resource_id is 'Cloud instance id of that node.';
comment on column ocp_claim_day.persistentvolumeclaim is 'Claim.';
comment on column ocp_claim_day.persistentvolume is 'Volume; where it was blank, the one that other rows of the claim have in the hour.';
comment on column ocp_claim_day.storageclass is 'Storage class.';
comment on column ocp_claim_day.csi_volume_handle is 'Handle of the volume; NULL when the file has no such column.';
comment on column ocp_claim_day.row_count is 'Hourly rows.';
comment on column ocp_claim_day.capacity_bytes is 'Greatest capacity, bytes.';
comment on column ocp_claim_day.capacity is 'Share of the claim''s capacity, byte-seconds, each hour of the claim counted once.';
comment on column ocp_claim_day.request is 'Share of its request, byte-seconds, counted likewise.';
comment on column ocp_claim_day.usage is 'Share of its usage, byte-seconds, counted likewise.';
comment on column ocp_claim_day.sent_capacity is 'Plain sum of the rows'' capacity, byte-seconds.';
comment on column ocp_claim_day.sent_request is 'Plain sum of the rows'' request, byte-seconds.';
comment on column ocp_claim_day.sent_usage is 'Plain sum of the rows'' usage, byte-seconds.';

create table if not exists ocp_node_label_day (
    usage_day date not null,
    source_uuid uuid not null,
    label_set_id bigint not null,
    node text,
    first_hour timestamptz not null,
    last_hour timestamptz not null,
    row_count integer not null
) partition by range (usage_day);
create index if not exists ocp_node_label_day_source_day_idx on ocp_node_label_day (source_uuid, usage_day);
comment on table ocp_node_label_day is 'Label sets that each node had on a day, and when.';
comment on column ocp_node_label_day.usage_day is 'UTC day.';
comment on column ocp_node_label_day.source_uuid is 'Provider.';
comment on column ocp_node_label_day.label_set_id is 'Labels of the node. See ocp_label_set.';
comment on column ocp_node_label_day.node is 'Node.';
comment on column ocp_node_label_day.first_hour is 'First hour in which it had them, UTC.';
comment on column ocp_node_label_day.last_hour is 'Last hour in which it had them, UTC; of two sets with one key the later one decides.';
comment on column ocp_node_label_day.row_count is 'Hourly rows.';

create table if not exists ocp_namespace_label_day (
    usage_day date not null,
    source_uuid uuid not null,
    label_set_id bigint not null,
    namespace text,
    first_hour timestamptz not null,
    last_hour timestamptz not null,
    row_count integer not null
) partition by range (usage_day);
create index if not exists ocp_namespace_label_day_source_day_idx on ocp_namespace_label_day (source_uuid, usage_day);
comment on table ocp_namespace_label_day is 'Label sets that each namespace had on a day, and when.';
comment on column ocp_namespace_label_day.usage_day is 'UTC day.';
comment on column ocp_namespace_label_day.source_uuid is 'Provider.';
comment on column ocp_namespace_label_day.label_set_id is 'Labels of the namespace. See ocp_label_set.';
comment on column ocp_namespace_label_day.namespace is 'Namespace.';
comment on column ocp_namespace_label_day.first_hour is 'First hour in which it had them, UTC.';
comment on column ocp_namespace_label_day.last_hour is 'Last hour in which it had them, UTC; of two sets with one key the later one decides.';
comment on column ocp_namespace_label_day.row_count is 'Hourly rows.';

create table if not exists ocp_vm_day (
    usage_day date not null,
    source_uuid uuid not null,
    label_set_id bigint not null,
    namespace text,
    node text,
    vm_name text,
    resource_id text,
    persistentvolumeclaim text,
    row_count integer not null,
    last_hour timestamptz not null,
    last_request_cores double precision not null,
    last_request_memory double precision not null,
    last_uptime double precision not null,
    uptime double precision not null,
    usage_cpu double precision not null,
    request_cpu double precision not null,
    limit_cpu double precision not null,
    usage_memory double precision not null,
    request_memory double precision not null,
    limit_memory double precision not null,
    disk_allocated double precision not null,
    sent_core_seconds double precision not null,
    sent_byte_seconds double precision not null
) partition by range (usage_day);
create index if not exists ocp_vm_day_source_day_idx on ocp_vm_day (source_uuid, usage_day);
comment on table ocp_vm_day is 'What the hourly rows of virtual machines of a day add up to, per disk claim, because each disk repeats its machine.';
comment on column ocp_vm_day.usage_day is 'UTC day.';
comment on column ocp_vm_day.source_uuid is 'Provider.';
comment on column ocp_vm_day.label_set_id is 'Labels of the machine. See ocp_label_set.';
comment on column ocp_vm_day.namespace is 'Namespace.';
comment on column ocp_vm_day.node is 'Node that ran it; blank while it was stopped.';
comment on column ocp_vm_day.vm_name is 'Name of the machine.';
comment on column ocp_vm_day.resource_id is 'Greatest cloud instance id of the node.';
comment on column ocp_vm_day.persistentvolumeclaim is 'Claim behind the disk; may be blank.';
comment on column ocp_vm_day.row_count is 'Hourly rows.';
comment on column ocp_vm_day.last_hour is 'Its last hour, UTC.';
comment on column ocp_vm_day.last_request_cores is 'CPU request in the last hour, cores.';
comment on column ocp_vm_day.last_request_memory is 'Memory request in the last hour, bytes.';
comment on column ocp_vm_day.last_uptime is 'Uptime in the last hour, seconds.';
comment on column ocp_vm_day.uptime is 'Uptime, the greatest of each hour, seconds.';
comment on column ocp_vm_day.usage_cpu is 'CPU time used, seconds.';
comment on column ocp_vm_day.request_cpu is 'CPU requested, core-seconds.';
comment on column ocp_vm_day.limit_cpu is 'CPU limit, core-seconds.';
comment on column ocp_vm_day.usage_memory is 'Memory used, byte-seconds.';
comment on column ocp_vm_day.request_memory is 'Memory requested, byte-seconds.';
comment on column ocp_vm_day.limit_memory is 'Memory limit, byte-seconds.';
comment on column ocp_vm_day.disk_allocated is 'Disk allocated, byte-seconds.';
comment on column ocp_vm_day.sent_core_seconds is 'Plain sum of the rows'' CPU usage, request and limit, core-seconds.';
comment on column ocp_vm_day.sent_byte_seconds is 'Plain sum of the rows'' memory usage, request and limit and disk allocated, byte-seconds.';

create table if not exists ocp_gpu_day (
    usage_day date not null,
    source_uuid uuid not null,
    node text,
    namespace text,
    pod text,
    gpu_uuid text,
    mig_instance_id text,
    row_count integer not null,
    uptime double precision not null,
    vendor_name text,
    model_name text,
    memory_mib double precision not null,
    gpu_max_slices double precision,
    mig_slice_count double precision,
    mig_memory_mib double precision,
    mig_profile text,
    mig_strategy text
) partition by range (usage_day);
create index if not exists ocp_gpu_day_source_day_idx on ocp_gpu_day (source_uuid, usage_day);
comment on table ocp_gpu_day is 'What the hourly GPU rows of a day add up to.';
comment on column ocp_gpu_day.usage_day is 'UTC day.';
comment on column ocp_gpu_day.source_uuid is 'Provider.';
comment on column ocp_gpu_day.node is 'Node.';
comment on column ocp_gpu_day.namespace is 'Namespace.';
comment on column ocp_gpu_day.pod is 'Pod.';
comment on column ocp_gpu_day.gpu_uuid is 'UUID of the GPU.';
comment on column ocp_gpu_day.mig_instance_id is 'MIG instance; blank or NULL on a whole GPU.';
comment on column ocp_gpu_day.row_count is 'Hourly rows.';
comment on column ocp_gpu_day.uptime is 'Time that the pod held the GPU, seconds.';
comment on column ocp_gpu_day.vendor_name is 'Vendor, the greatest of the day.';
comment on column ocp_gpu_day.model_name is 'Model, the greatest of the day.';
comment on column ocp_gpu_day.memory_mib is 'Memory of the GPU, MiB, the greatest of the day.';
comment on column ocp_gpu_day.gpu_max_slices is 'Slices that the model can be cut into; NULL on a whole GPU.';
comment on column ocp_gpu_day.mig_slice_count is 'Slices of the MIG profile; NULL on a whole GPU.';
comment on column ocp_gpu_day.mig_memory_mib is 'Memory of the MIG profile, MiB.';
comment on column ocp_gpu_day.mig_profile is 'MIG profile.';
comment on column ocp_gpu_day.mig_strategy is 'MIG strategy.';

alter table ocp_day add column if not exists relations_hash text;
comment on column ocp_day.relations_hash is 'Hash of the live pieces that the daily relations of the day were built from, as pieces_hash; NULL: they were never built.';
