/** An amount with its unit, as the read API gives it. */
export interface Measure {
  value: number;
  units: string;
}

/** Parts of a cost; those after `total` are there for costs by project. */
export interface Cost {
  raw: Measure;
  markup: Measure;
  usage: Measure;
  total: Measure;
  platform_distributed?: Measure;
  worker_unallocated_distributed?: Measure;
  gpu_unallocated_distributed?: Measure;
  network_unattributed_distributed?: Measure;
  storage_unattributed_distributed?: Measure;
  distributed?: Measure;
}

interface Score {
  usage_efficiency_percent?: number;
  wasted_cost?: Measure;
}

/** A row of any report; each has some of these fields. */
export interface Row {
  date: string;
  project?: string;
  node?: string;
  cost?: Cost;
  infrastructure?: { total: Measure };
  supplementary?: { total: Measure };
  usage?: Measure;
  request?: Measure & { cpu?: Measure; memory?: Measure };
  limit?: Measure;
  capacity?: Measure & { count?: number; count_units?: string };
  score?: Score;
  total_score?: Score;
  classification?: string | null;
  default_project?: string | null;
  clusters?: string[];
  /** ids of the sources that the row is about: one per cluster */
  source_uuid?: string[];
  delta_value?: number;
  delta_percent?: number | null;
  vm_name?: string;
  cluster?: string;
  gpu_name?: string;
  gpu_model?: string;
  gpu_vendor?: string;
  gpu_count?: Measure;
  gpu_memory?: Measure;
  storage_class?: string[];
  persistent_volume_claim?: string[];
}

/** An answer of a report: one element per day or month, with groups inside. */
export interface Report {
  meta: {
    count: number;
    others?: number;
    currency?: string;
    distributed_overhead?: boolean;
    delta?: { value: number; percent: number | null };
    /** absent for an organisation that has sent nothing yet */
    total?: Row;
  };
  data: ReportElement[];
}
export type ReportElement = { date: string } & Record<string, unknown>;

export interface TagList {
  meta: { count: number };
  data: string[];
}

export interface ClusterStatus {
  source_uuid: string;
  cluster: string | null;
  cluster_alias: string | null;
  last_day: string | null;
  last_hours: number | null;
  days: { date: string; hours: number; rejected_rows: number; summarised_at: string | null }[];
  cost_model: { name: string; currency: string; updated_at: string } | null;
  costs_at: string | null;
}

export interface Status {
  meta: {
    count: number;
    today?: string;
    /** first day that an answer may begin with: older ones are not kept */
    first_day?: string;
    access?: Partial<Record<'cluster' | 'node' | 'project', string[]>>;
    currencies?: { default: string; choices: string[]; convertible: Record<string, string[]> };
  };
  data:
    | {
        clusters: ClusterStatus[];
        failed_payloads: {
          request_id: string;
          error_type: string;
          reason: string;
          failed_at: string;
          cluster: string | null;
        }[];
        blocked_runs:
          { workflowId: string; clusterId?: string; startedAt: string; url: string | null }[] | null;
        blocked_runs_reason: string | null;
      }
    // An unknown organisation.
    | [];
}

/** The rows of an answer with the names of their groups, the outer group first. */
export interface NamedRow {
  names: string[];
  row: Row;
}

/** All rows of an element, however deep they are. */
export function rowsOf(element: ReportElement): NamedRow[] {
  return rowsBelow(element, []);
}

function rowsBelow(element: Record<string, unknown>, names: readonly string[]): NamedRow[] {
  const { values } = element;
  if (Array.isArray(values)) return values.map((row) => ({ names: [...names], row: row as Row }));
  const list = Object.values(element).find((value) => Array.isArray(value)) as
    Record<string, unknown>[] | undefined;
  return (list ?? []).flatMap((group) => {
    const [name] = Object.values(group).filter((value) => typeof value === 'string');
    return rowsBelow(withoutName(group), [...names, name ?? '']);
  });
}

function withoutName(group: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(group).filter(([, value]) => Array.isArray(value)));
}

/** Does an answer hold any row? */
export function hasRows({ data }: Report): boolean {
  return data.some((element) => rowsOf(element).length > 0);
}
