import type { WorkPhase } from './work.ts';

/** A column of the day ledger `ocp_day` that holds the version of a day's summary for which a step was done. */
export type LedgerColumn = 'tags_version' | 'cost_version' | 'validated_version';

/**
 * Settings that a step reads besides the summary: a change of them makes that step behind, and those after it that read
 * what it writes, but not the aggregation. Only a step that can redo its work from its own inputs may own any: tag
 * mappings rename keys in place, so they belong to the aggregation, which owns every setting that no other step does.
 */
export interface StepSettings {
  /** SQL function (source_uuid uuid, month date, today date) → text: a hash of them as they are now */
  hash: string;
  /** column of the day ledger with the hash that the step was last done with */
  column: 'cost_settings_hash';
}

/** One step of the chain that brings a source and month up to date. */
export interface Step {
  /** as in `replay --from` */
  name: string;
  /** the activity that does it */
  activity: string;
  /** where a run stands while it does it */
  phase: WorkPhase;
  /**
   * Where the ledger records, per day, the version for which the step was done; null: it records nothing, because it
   * increments the version itself, or is repeated each time.
   */
  column: LedgerColumn | null;
  /** null: the summary's version alone tells whether the step is behind */
  settings: StepSettings | null;
  /** columns of later steps that read this step's output: recording the step makes them behind again */
  takesBack: readonly LedgerColumn[];
  /** reads line items from staging, which must not be swept meanwhile */
  readsStaging: boolean;
  /** rebuilds summary tables, each of which is measured */
  rebuildsTables: boolean;
}

const aggregate = {
  name: 'aggregate',
  activity: 'aggregateDays',
  phase: 'aggregating',
  column: null,
  settings: null,
  takesBack: [],
  readsStaging: true,
  rebuildsTables: true,
} as const satisfies Step;

const tags = {
  name: 'tags',
  activity: 'applyTagMapping',
  phase: 'summarising',
  column: 'tags_version',
  settings: null,
  // Later steps of another run may have executed between the rebuild and the mapping, and read keys that were not
  // mapped yet.
  takesBack: ['cost_version'],
  readsStaging: false,
  rebuildsTables: false,
} as const satisfies Step;

const cloud = {
  name: 'cloud',
  activity: 'checkCloudInfrastructure',
  phase: 'summarising',
  column: null,
  settings: null,
  takesBack: [],
  readsStaging: false,
  rebuildsTables: false,
} as const satisfies Step;

const costs = {
  name: 'costs',
  activity: 'applyCostModel',
  phase: 'summarising',
  column: 'cost_version',
  settings: { hash: 'ocp_cost_settings_hash', column: 'cost_settings_hash' },
  // Distributed cost is validated too.
  takesBack: ['validated_version'],
  readsStaging: false,
  rebuildsTables: true,
} as const satisfies Step;

const validate = {
  name: 'validate',
  activity: 'validateDays',
  phase: 'validating',
  column: 'validated_version',
  settings: null,
  takesBack: [],
  readsStaging: false,
  rebuildsTables: false,
} as const satisfies Step;

/**
 * The chain, in order. What is behind, what is recorded and invalidated, and the phases of a run and of `replay --from`
 * are derived from it. A step processes the days whose column is behind the day's version, whichever run left them
 * behind.
 */
export const steps = [aggregate, tags, cloud, costs, validate] as const;

/**
 * The chain of runs that began before it had costs: they go on in their order, in which another activity wrote the
 * report tables. It does what {@link steps} has for costs, so that such a run leaves no day without.
 */
export const stepsBeforeCosts = [
  aggregate,
  tags,
  { ...costs, activity: 'refreshUiSummaries' },
  cloud,
  validate,
] as const;

export type StepName = (typeof steps)[number]['name'];

/** The step of a name. */
export function stepNamed(name: StepName): Step {
  const step = steps.find((candidate) => candidate.name === name);
  if (step === undefined) throw new Error(`there is no step named ${name}`);
  return step;
}
