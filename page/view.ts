/** Periods that can be chosen; `dates` are chosen by hand. */
export const periods = {
  'this-month': 'This month',
  'last-month': 'Last month',
  'month-before': 'The month before last',
  '10-days': 'Last 10 days',
  '30-days': 'Last 30 days',
  '90-days': 'Last 90 days',
  dates: 'Dates',
} as const;
export type PeriodName = keyof typeof periods;

/** What the page shows. It is in the address, so that a link shows the same; nothing secret is. */
export interface View {
  period: PeriodName;
  /** with `dates`: UTC days, both included */
  start: string | undefined;
  end: string | undefined;
  /** id of a cluster, or its alias where access is granted by that; undefined: all */
  cluster: string | undefined;
  currency: string | undefined;
  /** whether shared costs are shown with the projects that they were distributed to */
  distributed: boolean;
  /** label key of #labels */
  label: string | undefined;
}

/** A day that is in the calendar: 31 February is none. */
function isDay(text: string): boolean {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().slice(0, 10) === text;
}

/** The view of a query string; what is not valid is as if it were not there. */
export function viewOf(query: string): View {
  const parameters = new URLSearchParams(query);
  const text = (name: string) => {
    const value = parameters.get(name);
    return value === null || value === '' ? undefined : value;
  };
  const day = (name: string) => {
    const value = text(name);
    return value !== undefined && isDay(value) ? value : undefined;
  };
  const [start, end] = [day('start'), day('end')];
  const named = text('range') ?? 'this-month';
  const areDates = start !== undefined && end !== undefined && start <= end;
  const known = Object.hasOwn(periods, named) ? (named as PeriodName) : 'this-month';
  const period = known === 'dates' && !areDates ? 'this-month' : known;
  return {
    period,
    start: period === 'dates' ? start : undefined,
    end: period === 'dates' ? end : undefined,
    cluster: text('cluster'),
    currency: text('currency')?.toUpperCase(),
    distributed: text('distributed') !== 'off',
    label: text('label'),
  };
}

/** The query string of a view; what is as usual is left out. */
export function queryOf(view: View): string {
  const parameters = new URLSearchParams();
  if (view.period !== 'this-month') parameters.set('range', view.period);
  if (view.period === 'dates') {
    parameters.set('start', view.start ?? '');
    parameters.set('end', view.end ?? '');
  }
  if (view.cluster !== undefined) parameters.set('cluster', view.cluster);
  if (view.currency !== undefined) parameters.set('currency', view.currency);
  if (!view.distributed) parameters.set('distributed', 'off');
  if (view.label !== undefined) parameters.set('label', view.label);
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}
