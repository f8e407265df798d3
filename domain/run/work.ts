/** When an attempt of an activity started and ended, by the clock of its machine, epoch milliseconds. */
export type WorkSpan = readonly [from: number, until: number];

/** What activities add to the objects that they return; activities of older workers do not. */
export interface Worked {
  worked?: WorkSpan;
}

/** Phases in which activities work; in the others a run waits, or has ended. */
export type WorkPhase =
  'downloading' | 'splitting' | 'loading' | 'aggregating' | 'summarising' | 'validating';

/** The work of one phase. Concurrent work counts once. */
export interface PhaseWork {
  ms: number;
  /** start of the first and end of the last activity, epoch milliseconds */
  from: number;
  until: number;
}

export type WorkByPhase = Partial<Record<WorkPhase, PhaseWork>>;

/** The steps whose times Koku stores (DOMAIN §10.1), and the phases that each has here. */
const stepPhases = {
  download: ['downloading'],
  processing: ['splitting', 'loading'],
  summary: ['aggregating', 'summarising', 'validating'],
} as const satisfies Record<string, readonly WorkPhase[]>;

export type StepName = keyof typeof stepPhases;

/** Work by Koku's steps; a step that had nothing to do is absent. */
export function workBySteps(phases: WorkByPhase): Partial<Record<StepName, PhaseWork>> {
  const steps: Partial<Record<StepName, PhaseWork>> = {};
  for (const [step, names] of Object.entries(stepPhases) as [StepName, readonly WorkPhase[]][]) {
    const work = names.flatMap((name) => phases[name] ?? []);
    if (work.length === 0) continue;
    steps[step] = {
      ms: work.reduce((sum, { ms }) => sum + ms, 0),
      from: Math.min(...work.map(({ from }) => from)),
      until: Math.max(...work.map(({ until }) => until)),
    };
  }
  return steps;
}

/**
 * Milliseconds of work: the phases in which activities run, without those in which the run waited for files or for a
 * decision.
 */
export function workedMs(phaseMs: Readonly<Record<string, number | undefined>>): number {
  return Object.values(stepPhases)
    .flat()
    .reduce((sum, phase) => sum + (phaseMs[phase] ?? 0), 0);
}
