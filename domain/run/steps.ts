import type { WorkPhase } from './work.ts';

/** A column of the day ledger `ocp_day` that holds the version of a day's summary for which a step was done. */
export type LedgerColumn = 'tags_version' | 'ui_version' | 'cost_version' | 'validated_version';

/** One step of the chain that brings a source and month up to date. */
export interface Step {
  /** as in `replay --from` */
  name: string;
  /** the activity that does it */
  activity: string;
  /** where a run stands while it does it */
  phase: WorkPhase;
  /**
   * Where the ledger notes per day for which version the step was done; null: it keeps no note, because it raises the version
   * itself, or is done anew each time.
   */
  column: LedgerColumn | null;
  /** columns of later steps that read what this one writes: recording it makes them behind again */
  takesBack: readonly LedgerColumn[];
  /** reads line items from staging, from which nothing may be swept meanwhile */
  readsStaging: boolean;
  /** rebuilds summary tables, each of which is measured */
  rebuildsTables: boolean;
}

/**
 * The chain, in its order: what is behind, what is recorded and taken back, the phases of a run and of `replay --from`
 * follow from it. A step does the days whose column is behind the day's version, whoever left them behind.
 */
export const steps = [
  {
    name: 'aggregate',
    activity: 'aggregateDays',
    phase: 'aggregating',
    column: null,
    takesBack: [],
    readsStaging: true,
    rebuildsTables: true,
  },
  {
    name: 'tags',
    activity: 'applyTagMapping',
    phase: 'summarising',
    column: 'tags_version',
    // Another run's later steps may have come between the rebuild and the mapping, and read keys that were not mapped yet.
    takesBack: ['ui_version', 'cost_version'],
    readsStaging: false,
    rebuildsTables: false,
  },
  {
    name: 'reports',
    activity: 'refreshUiSummaries',
    phase: 'summarising',
    column: 'ui_version',
    takesBack: [],
    readsStaging: true,
    rebuildsTables: true,
  },
  {
    name: 'cloud',
    activity: 'checkCloudInfrastructure',
    phase: 'summarising',
    column: null,
    takesBack: [],
    readsStaging: false,
    rebuildsTables: false,
  },
  {
    name: 'validate',
    activity: 'validateDays',
    phase: 'validating',
    column: 'validated_version',
    takesBack: [],
    readsStaging: true,
    rebuildsTables: false,
  },
] as const satisfies readonly Step[];

export type StepName = (typeof steps)[number]['name'];

/** The step of a name. */
export function stepNamed(name: StepName): Step {
  const step = steps.find((candidate) => candidate.name === name);
  if (step === undefined) throw new Error(`no step is called ${name}`);
  return step;
}
