import type { Report } from '../answers.ts';
import { projectsBefore } from '../calls.ts';
import { changesOf } from '../changes.ts';
import type { Changes } from '../changes.ts';
import { useCall, usePage } from './context.ts';
import type { Call } from './context.ts';

/** Changes as far as they are known, and the call that they wait for. */
export interface KnownChanges extends Changes {
  /** costs of the period before; asked for only where they are needed */
  before: Call<Report>;
  isPending: boolean;
}

/**
 * The changes of an answer of costs by project.
 * @param needed which of them are shown: a call more for what the rows of the answer do not tell
 */
export function useChanges(costs: Report, needed: 'lines' | 'gone' | undefined): KnownChanges {
  const { calls, view, status } = usePage();
  const first = changesOf(costs, undefined, view);
  const isNeeded = needed !== undefined && first.needs[needed];
  const days = useCall<Report>(calls.costByDay);
  const known = useCall<unknown>(calls.status);
  // Without the status it is not known which days are kept; the days before may be answered all the same.
  const isReady = days.answer !== undefined && (status !== undefined || known.failure !== undefined);
  const path =
    isNeeded && isReady
      ? projectsBefore(view, days.answer?.data.map(({ date }) => date) ?? [], status?.meta.first_day)
      : undefined;
  const own = useCall<Report>(path);
  const before = isNeeded && days.failure !== undefined ? { ...days, answer: undefined } : own;
  return {
    ...(before.answer === undefined ? first : changesOf(costs, before.answer, view)),
    before,
    isPending: isNeeded && (before.answer ?? before.failure) === undefined,
  };
}

/** In place of changes: why the period before could not be asked for. */
export function NotCompared({ call }: { call: Call<Report> }) {
  if (call.failure === undefined) return null;
  return (
    <p class="small" role="alert">
      Projects that had no cost in a part of these days, or have none now, could not be compared:{' '}
      {call.failure.message}{' '}
      <button type="button" onClick={call.retry}>
        Try again
      </button>
    </p>
  );
}
