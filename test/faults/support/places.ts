/** A point inside an activity's transaction, near its end, at which a run can be held. */
export interface Place {
  name: string;
  /** the activity that is inside it */
  activity: string;
  /** the activity that the run asks for next; undefined where it ends */
  next?: string;
  /** the write at which the run is held */
  table: string;
  event: 'insert' | 'update';
  when: string;
  /** column whose value tells the run: its source or its request */
  key: 'source_uuid' | 'provider_id' | 'request_id';
  /** query: is the activity's work committed? $1: value of the key */
  committed: string;
}

const ofDay = 'from ocp_day where source_uuid = $1';

/** Every phase of a run, in order. */
export const places = [
  {
    name: 'downloading',
    activity: 'downloadPayload',
    next: 'splitPayload',
    table: 'public.payload_inbox',
    event: 'update',
    when: 'old.manifest is null and new.manifest is not null',
    key: 'request_id',
    committed: `select manifest is not null as yes from public.payload_inbox where request_id = $1`,
  },
  {
    name: 'splitting',
    activity: 'splitPayload',
    next: 'ensurePartitions',
    table: 'ocp_piece',
    event: 'insert',
    // Some files are registered by then, and others not.
    when: `new.report_kind = 'node_labels'`,
    key: 'source_uuid',
    committed: `select count(*) > 0 and bool_and(file.state <> 'awaited') as yes
      from ocp_manifest join ocp_file as file using (manifest_id) where source_uuid = $1`,
  },
  {
    name: 'loading',
    activity: 'loadReportDay',
    next: 'pendingPieces',
    table: 'reporting_ocpusagelineitem_pod_staging',
    event: 'insert',
    // In the middle of the COPY.
    when: `extract(hour from new.interval_start at time zone 'UTC') = 12`,
    key: 'source_uuid',
    committed: `select count(*) > 0 and bool_and(state = 'staged') as yes from ocp_piece where source_uuid = $1`,
  },
  {
    name: 'completing',
    activity: 'completeManifest',
    next: 'aggregateDays',
    table: 'ocp_manifest',
    event: 'update',
    when: 'old.release is null and new.release is not null',
    key: 'source_uuid',
    committed: 'select release is not null as yes from ocp_manifest where source_uuid = $1',
  },
  {
    name: 'aggregating',
    activity: 'aggregateDays',
    next: 'applyTagMapping',
    table: 'ocp_day',
    event: 'insert',
    when: 'true',
    key: 'source_uuid',
    committed: `select true as yes ${ofDay}`,
  },
  {
    name: 'tags',
    activity: 'applyTagMapping',
    next: 'checkCloudInfrastructure',
    table: 'ocp_day',
    event: 'update',
    when: 'old.tags_version is distinct from new.tags_version',
    key: 'source_uuid',
    committed: `select tags_version = version as yes ${ofDay}`,
  },
  {
    name: 'cloud check',
    activity: 'checkCloudInfrastructure',
    next: 'applyCostModel',
    table: 'ocp_source_month',
    event: 'update',
    when: 'old.infrastructure_checked_at is distinct from new.infrastructure_checked_at',
    key: 'source_uuid',
    committed:
      'select infrastructure_checked_at is not null as yes from ocp_source_month where source_uuid = $1',
  },
  {
    name: 'costs',
    activity: 'applyCostModel',
    next: 'validateDays',
    table: 'ocp_day',
    event: 'update',
    when: 'new.cost_version is not null and old.cost_version is distinct from new.cost_version',
    key: 'source_uuid',
    committed: `select cost_version = version as yes ${ofDay}`,
  },
  {
    name: 'validating',
    activity: 'validateDays',
    next: 'recordCompletion',
    table: 'ocp_day',
    event: 'update',
    when: 'old.validated_version is distinct from new.validated_version',
    key: 'source_uuid',
    committed: `select validated_version = version as yes ${ofDay}`,
  },
  {
    name: 'recordCompletion',
    activity: 'recordCompletion',
    table: 'public.reporting_common_costusagereportmanifest',
    event: 'update',
    when: 'old.completed_datetime is null and new.completed_datetime is not null',
    key: 'provider_id',
    committed: `select completed_datetime is not null as yes
      from public.reporting_common_costusagereportmanifest where provider_id = $1`,
  },
] as const satisfies readonly Place[];
