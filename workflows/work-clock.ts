import { steps, stepsBeforeCosts } from '../domain/run/steps.ts';
import type { PhaseWork, WorkByPhase, Worked, WorkPhase, WorkSpan } from '../domain/run/work.ts';
import type { Activities } from '../activities/index.ts';

/** The phase to which an activity's work belongs, whatever the run is waiting for meanwhile. */
const phaseOfActivity: Partial<Record<keyof Activities, WorkPhase>> = {
  downloadPayload: 'downloading',
  splitPayload: 'splitting',
  ensurePartitions: 'loading',
  pendingPieces: 'loading',
  loadReportDay: 'loading',
  completeManifest: 'loading',
  ...Object.fromEntries([...stepsBeforeCosts, ...steps].map(({ activity, phase }) => [activity, phase])),
};

/**
 * Adds up how long the activities of a run have worked, as reported by themselves. The workflow's own clock is
 * unsuitable: it stands still between two tasks, and after a reset it jumps from the history of one run to the time of
 * another, so that the gap would count as work.
 */
export class WorkClock {
  readonly #carried: WorkByPhase;
  /** intervals of work in this run, in order and disjoint */
  readonly #spans = new Map<WorkPhase, WorkSpan[]>();

  /** @param carried work of the runs that this one continues as new */
  constructor(carried: WorkByPhase = {}) {
    this.#carried = carried;
  }

  /** An activity has ended. @returns the phase that it belongs to, if it counts */
  note(activity: keyof Activities, result: unknown): WorkPhase | undefined {
    const phase = phaseOfActivity[activity];
    const { worked } = (result ?? {}) as Worked;
    if (phase === undefined || worked === undefined) return undefined;
    this.#spans.set(phase, merged(this.#spans.get(phase) ?? [], worked));
    return phase;
  }

  /** Work so far, of this run and of those that it continues. */
  work(phase: WorkPhase): PhaseWork | undefined {
    const before = this.#carried[phase];
    const spans = this.#spans.get(phase) ?? [];
    const [first, last] = [spans[0], spans.at(-1)];
    if (first === undefined || last === undefined) return before;
    return {
      ms: (before?.ms ?? 0) + spans.reduce((sum, [from, until]) => sum + until - from, 0),
      from: Math.min(before?.from ?? Infinity, first[0]),
      until: Math.max(before?.until ?? -Infinity, last[1]),
    };
  }

  /** Total work. */
  byPhase(): WorkByPhase {
    const phases = new Set([...(Object.keys(this.#carried) as WorkPhase[]), ...this.#spans.keys()]);
    return Object.fromEntries([...phases].map((phase) => [phase, this.work(phase)]));
  }
}

/** Insert an interval, merging those that it touches: activities end in roughly the order in which they started. */
function merged(spans: readonly WorkSpan[], [from, until]: WorkSpan): WorkSpan[] {
  const first = spans.findLastIndex((span) => span[1] < from) + 1;
  const touched = spans.slice(first).filter((span) => span[0] <= until);
  const joined: WorkSpan = [
    Math.min(from, ...touched.map((span) => span[0])),
    Math.max(from, until, ...touched.map((span) => span[1])),
  ];
  return spans.toSpliced(first, touched.length, joined);
}
