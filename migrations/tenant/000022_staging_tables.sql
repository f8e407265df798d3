-- Up Migration
-- Hourly line items, one table per report kind, partitioned by month of interval_start (UTC).
-- Only what a later step reads is a column; the whole row stays in the daily CSV of the piece.
-- A piece's rows are found by its id: equal keys are stored once in a B-tree, so that it takes 7 bytes a row. A BRIN index
-- knows nothing of blocks added since the last vacuum, up to a fifth of the partition, and every look would read them all.

create table if not exists reporting_ocpusagelineitem_pod_staging (
    interval_start timestamptz not null,
    piece_id bigint not null,
    label_set_id bigint not null,
    pod_usage_cpu_core_seconds double precision,
    pod_request_cpu_core_seconds double precision,
    pod_limit_cpu_core_seconds double precision,
    pod_usage_memory_byte_seconds double precision,
    pod_request_memory_byte_seconds double precision,
    pod_limit_memory_byte_seconds double precision,
    node_capacity_cpu_cores double precision,
    node_capacity_cpu_core_seconds double precision,
    node_capacity_memory_bytes double precision,
    node_capacity_memory_byte_seconds double precision,
    source_uuid uuid not null,
    report_period_id integer not null,
    pod text,
    namespace text,
    node text,
    resource_id text,
    node_role text
) partition by range (interval_start);
create index if not exists reporting_ocpusagelineitem_pod_staging_piece_idx on reporting_ocpusagelineitem_pod_staging (piece_id);
comment on table reporting_ocpusagelineitem_pod_staging is 'Hourly line items as sent; one row per one pod and hour.';
comment on column reporting_ocpusagelineitem_pod_staging.interval_start is 'Start of the hour, UTC.';
comment on column reporting_ocpusagelineitem_pod_staging.piece_id is 'Piece (file and day) the row was loaded with.';
comment on column reporting_ocpusagelineitem_pod_staging.label_set_id is 'Labels of the pod. See ocp_label_set.';
comment on column reporting_ocpusagelineitem_pod_staging.pod_usage_cpu_core_seconds is 'CPU used, core-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_pod_staging.pod_request_cpu_core_seconds is 'CPU requested, core-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_pod_staging.pod_limit_cpu_core_seconds is 'CPU limit, core-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_pod_staging.pod_usage_memory_byte_seconds is 'Memory used, byte-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_pod_staging.pod_request_memory_byte_seconds is 'Memory requested, byte-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_pod_staging.pod_limit_memory_byte_seconds is 'Memory limit, byte-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_pod_staging.node_capacity_cpu_cores is 'Cores of the node. NULL when blank.';
comment on column reporting_ocpusagelineitem_pod_staging.node_capacity_cpu_core_seconds is 'Capacity of the node in the interval, core-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_pod_staging.node_capacity_memory_bytes is 'Memory of the node, bytes. NULL when blank.';
comment on column reporting_ocpusagelineitem_pod_staging.node_capacity_memory_byte_seconds is 'Memory capacity of the node in the interval, byte-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_pod_staging.source_uuid is 'Provider.';
comment on column reporting_ocpusagelineitem_pod_staging.report_period_id is 'Report period (month).';
comment on column reporting_ocpusagelineitem_pod_staging.pod is 'Pod name.';
comment on column reporting_ocpusagelineitem_pod_staging.namespace is 'Namespace.';
comment on column reporting_ocpusagelineitem_pod_staging.node is 'Node; blank while the pod is not scheduled.';
comment on column reporting_ocpusagelineitem_pod_staging.resource_id is 'Cloud instance id of the node; may be blank.';
comment on column reporting_ocpusagelineitem_pod_staging.node_role is 'Role of the node; NULL when the file has no such column.';

create table if not exists reporting_ocpusagelineitem_storage_staging (
    interval_start timestamptz not null,
    piece_id bigint not null,
    persistentvolume_label_set_id bigint not null,
    persistentvolumeclaim_label_set_id bigint not null,
    persistentvolumeclaim_capacity_bytes double precision,
    persistentvolumeclaim_capacity_byte_seconds double precision,
    volume_request_storage_byte_seconds double precision,
    persistentvolumeclaim_usage_byte_seconds double precision,
    source_uuid uuid not null,
    report_period_id integer not null,
    namespace text,
    pod text,
    node text,
    persistentvolumeclaim text,
    persistentvolume text,
    storageclass text,
    csi_driver text,
    csi_volume_handle text
) partition by range (interval_start);
create index if not exists reporting_ocpusagelineitem_storage_staging_piece_idx on reporting_ocpusagelineitem_storage_staging (piece_id);
comment on table reporting_ocpusagelineitem_storage_staging is 'Hourly line items as sent; one row per one volume claim, pod and hour.';
comment on column reporting_ocpusagelineitem_storage_staging.interval_start is 'Start of the hour, UTC.';
comment on column reporting_ocpusagelineitem_storage_staging.piece_id is 'Piece (file and day) the row was loaded with.';
comment on column reporting_ocpusagelineitem_storage_staging.persistentvolume_label_set_id is 'Labels of the volume. See ocp_label_set.';
comment on column reporting_ocpusagelineitem_storage_staging.persistentvolumeclaim_label_set_id is 'Labels of the claim. See ocp_label_set.';
comment on column reporting_ocpusagelineitem_storage_staging.persistentvolumeclaim_capacity_bytes is 'Capacity, bytes. NULL when blank.';
comment on column reporting_ocpusagelineitem_storage_staging.persistentvolumeclaim_capacity_byte_seconds is 'Capacity, byte-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_storage_staging.volume_request_storage_byte_seconds is 'Storage requested, byte-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_storage_staging.persistentvolumeclaim_usage_byte_seconds is 'Storage used, byte-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_storage_staging.source_uuid is 'Provider.';
comment on column reporting_ocpusagelineitem_storage_staging.report_period_id is 'Report period (month).';
comment on column reporting_ocpusagelineitem_storage_staging.namespace is 'Namespace of the claim.';
comment on column reporting_ocpusagelineitem_storage_staging.pod is 'Pod that mounts it.';
comment on column reporting_ocpusagelineitem_storage_staging.node is 'Node as sent; not used, the node comes from the mounting pod; NULL when the file has no such column.';
comment on column reporting_ocpusagelineitem_storage_staging.persistentvolumeclaim is 'Claim.';
comment on column reporting_ocpusagelineitem_storage_staging.persistentvolume is 'Volume.';
comment on column reporting_ocpusagelineitem_storage_staging.storageclass is 'Storage class.';
comment on column reporting_ocpusagelineitem_storage_staging.csi_driver is 'CSI driver; NULL when the file has no such column.';
comment on column reporting_ocpusagelineitem_storage_staging.csi_volume_handle is 'CSI volume handle; NULL when the file has no such column.';

create table if not exists reporting_ocpusagelineitem_node_labels_staging (
    interval_start timestamptz not null,
    piece_id bigint not null,
    label_set_id bigint not null,
    source_uuid uuid not null,
    report_period_id integer not null,
    node text
) partition by range (interval_start);
create index if not exists reporting_ocpusagelineitem_node_labels_staging_piece_idx on reporting_ocpusagelineitem_node_labels_staging (piece_id);
comment on table reporting_ocpusagelineitem_node_labels_staging is 'Hourly line items as sent; one row per one node and hour.';
comment on column reporting_ocpusagelineitem_node_labels_staging.interval_start is 'Start of the hour, UTC.';
comment on column reporting_ocpusagelineitem_node_labels_staging.piece_id is 'Piece (file and day) the row was loaded with.';
comment on column reporting_ocpusagelineitem_node_labels_staging.label_set_id is 'Labels of the node. See ocp_label_set.';
comment on column reporting_ocpusagelineitem_node_labels_staging.source_uuid is 'Provider.';
comment on column reporting_ocpusagelineitem_node_labels_staging.report_period_id is 'Report period (month).';
comment on column reporting_ocpusagelineitem_node_labels_staging.node is 'Node.';

create table if not exists reporting_ocpusagelineitem_namespace_labels_staging (
    interval_start timestamptz not null,
    piece_id bigint not null,
    label_set_id bigint not null,
    source_uuid uuid not null,
    report_period_id integer not null,
    namespace text
) partition by range (interval_start);
create index if not exists reporting_ocpusagelineitem_namespace_labels_staging_piece_idx on reporting_ocpusagelineitem_namespace_labels_staging (piece_id);
comment on table reporting_ocpusagelineitem_namespace_labels_staging is 'Hourly line items as sent; one row per one namespace and hour.';
comment on column reporting_ocpusagelineitem_namespace_labels_staging.interval_start is 'Start of the hour, UTC.';
comment on column reporting_ocpusagelineitem_namespace_labels_staging.piece_id is 'Piece (file and day) the row was loaded with.';
comment on column reporting_ocpusagelineitem_namespace_labels_staging.label_set_id is 'Labels of the namespace. See ocp_label_set.';
comment on column reporting_ocpusagelineitem_namespace_labels_staging.source_uuid is 'Provider.';
comment on column reporting_ocpusagelineitem_namespace_labels_staging.report_period_id is 'Report period (month).';
comment on column reporting_ocpusagelineitem_namespace_labels_staging.namespace is 'Namespace.';

create table if not exists reporting_ocpusagelineitem_vm_staging (
    interval_start timestamptz not null,
    piece_id bigint not null,
    label_set_id bigint not null,
    vm_uptime_total_seconds double precision,
    vm_cpu_limit_cores double precision,
    vm_cpu_limit_core_seconds double precision,
    vm_cpu_request_cores double precision,
    vm_cpu_request_core_seconds double precision,
    vm_cpu_request_sockets double precision,
    vm_cpu_request_socket_seconds double precision,
    vm_cpu_request_threads double precision,
    vm_cpu_request_thread_seconds double precision,
    vm_cpu_usage_total_seconds double precision,
    vm_memory_limit_bytes double precision,
    vm_memory_limit_byte_seconds double precision,
    vm_memory_request_bytes double precision,
    vm_memory_request_byte_seconds double precision,
    vm_memory_usage_byte_seconds double precision,
    vm_disk_allocated_size_byte_seconds double precision,
    source_uuid uuid not null,
    report_period_id integer not null,
    node text,
    resource_id text,
    namespace text,
    vm_name text,
    vm_instance_type text,
    vm_os text,
    vm_guest_os_arch text,
    vm_guest_os_name text,
    vm_guest_os_version text,
    vm_device text,
    vm_volume_mode text,
    vm_persistentvolumeclaim_name text
) partition by range (interval_start);
create index if not exists reporting_ocpusagelineitem_vm_staging_piece_idx on reporting_ocpusagelineitem_vm_staging (piece_id);
comment on table reporting_ocpusagelineitem_vm_staging is 'Hourly line items as sent; one row per one virtual machine, disk and hour.';
comment on column reporting_ocpusagelineitem_vm_staging.interval_start is 'Start of the hour, UTC.';
comment on column reporting_ocpusagelineitem_vm_staging.piece_id is 'Piece (file and day) the row was loaded with.';
comment on column reporting_ocpusagelineitem_vm_staging.label_set_id is 'Labels of the virtual machine. See ocp_label_set.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_uptime_total_seconds is 'Uptime in the interval, seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_cpu_limit_cores is 'CPU limit, cores. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_cpu_limit_core_seconds is 'CPU limit, core-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_cpu_request_cores is 'CPU request, cores. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_cpu_request_core_seconds is 'CPU request, core-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_cpu_request_sockets is 'Requested sockets. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_cpu_request_socket_seconds is 'Requested sockets, socket-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_cpu_request_threads is 'Requested threads per core. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_cpu_request_thread_seconds is 'Requested threads, thread-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_cpu_usage_total_seconds is 'CPU time used, seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_memory_limit_bytes is 'Memory limit, bytes. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_memory_limit_byte_seconds is 'Memory limit, byte-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_memory_request_bytes is 'Memory request, bytes. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_memory_request_byte_seconds is 'Memory request, byte-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_memory_usage_byte_seconds is 'Memory used, byte-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_disk_allocated_size_byte_seconds is 'Disk allocated, byte-seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_vm_staging.source_uuid is 'Provider.';
comment on column reporting_ocpusagelineitem_vm_staging.report_period_id is 'Report period (month).';
comment on column reporting_ocpusagelineitem_vm_staging.node is 'Node that runs it.';
comment on column reporting_ocpusagelineitem_vm_staging.resource_id is 'Cloud instance id of the node.';
comment on column reporting_ocpusagelineitem_vm_staging.namespace is 'Namespace.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_name is 'Name of the virtual machine.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_instance_type is 'Instance type.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_os is 'Operating system.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_guest_os_arch is 'Guest architecture.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_guest_os_name is 'Guest operating system.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_guest_os_version is 'Guest operating system version.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_device is 'Disk device.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_volume_mode is 'Volume mode of the disk.';
comment on column reporting_ocpusagelineitem_vm_staging.vm_persistentvolumeclaim_name is 'Claim behind the disk.';

create table if not exists reporting_ocpusagelineitem_gpu_staging (
    interval_start timestamptz not null,
    piece_id bigint not null,
    gpu_memory_capacity_mib double precision,
    gpu_pod_uptime double precision,
    mig_slice_count double precision,
    mig_memory_capacity_mib double precision,
    gpu_max_slices double precision,
    source_uuid uuid not null,
    report_period_id integer not null,
    node text,
    namespace text,
    pod text,
    gpu_uuid text,
    gpu_model_name text,
    gpu_vendor_name text,
    mig_instance_id text,
    mig_profile text,
    mig_strategy text
) partition by range (interval_start);
create index if not exists reporting_ocpusagelineitem_gpu_staging_piece_idx on reporting_ocpusagelineitem_gpu_staging (piece_id);
comment on table reporting_ocpusagelineitem_gpu_staging is 'Hourly line items as sent; one row per one pod, GPU (or MIG instance) and hour.';
comment on column reporting_ocpusagelineitem_gpu_staging.interval_start is 'Start of the hour, UTC.';
comment on column reporting_ocpusagelineitem_gpu_staging.piece_id is 'Piece (file and day) the row was loaded with.';
comment on column reporting_ocpusagelineitem_gpu_staging.gpu_memory_capacity_mib is 'Memory of the GPU, MiB. NULL when blank.';
comment on column reporting_ocpusagelineitem_gpu_staging.gpu_pod_uptime is 'Time the pod held the GPU, seconds. NULL when blank.';
comment on column reporting_ocpusagelineitem_gpu_staging.mig_slice_count is 'Slices of the MIG profile; NULL on a dedicated GPU. NULL when blank.';
comment on column reporting_ocpusagelineitem_gpu_staging.mig_memory_capacity_mib is 'Memory of the MIG profile, MiB. NULL when blank.';
comment on column reporting_ocpusagelineitem_gpu_staging.gpu_max_slices is 'Slices the model can be cut into; NULL on a dedicated GPU. NULL when blank.';
comment on column reporting_ocpusagelineitem_gpu_staging.source_uuid is 'Provider.';
comment on column reporting_ocpusagelineitem_gpu_staging.report_period_id is 'Report period (month).';
comment on column reporting_ocpusagelineitem_gpu_staging.node is 'Node.';
comment on column reporting_ocpusagelineitem_gpu_staging.namespace is 'Namespace.';
comment on column reporting_ocpusagelineitem_gpu_staging.pod is 'Pod.';
comment on column reporting_ocpusagelineitem_gpu_staging.gpu_uuid is 'UUID of the GPU.';
comment on column reporting_ocpusagelineitem_gpu_staging.gpu_model_name is 'Model, cleaned: runs of other characters than letters and digits are one space.';
comment on column reporting_ocpusagelineitem_gpu_staging.gpu_vendor_name is 'Vendor, cleaned: nvidia.';
comment on column reporting_ocpusagelineitem_gpu_staging.mig_instance_id is 'MIG instance; NULL when the file has no such column.';
comment on column reporting_ocpusagelineitem_gpu_staging.mig_profile is 'MIG profile as sent, for example 1g.5gb.';
comment on column reporting_ocpusagelineitem_gpu_staging.mig_strategy is 'MIG strategy.';
