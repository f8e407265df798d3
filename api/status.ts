import type { ClientBase } from 'pg';
import { z } from 'zod';
import { loadSql } from '../platform/database/sql-files.ts';
import { restrictedKinds } from './access.ts';
import type { Restrictable } from './access.ts';
import type { Call } from './report-answer.ts';
import { parseQuery, queryTree } from './request/query-string.ts';
import { validated } from './request/schema.ts';
import { addDays, firstOfMonth } from './request/time-range.ts';
import { currencyChoices, hasRate, readSettings } from './settings.ts';
import type { TenantSettings } from './settings.ts';

const statusSql = loadSql('api/status.sql');
const failedPayloadsSql = loadSql('api/failed_payloads.sql');

/** Days that are listed per cluster, the current one included. */
const listedDays = 35;

/** A run that waits for an operator's decision. */
export interface BlockedRun {
  workflowId: string;
  clusterId: string | undefined;
  startedAt: string;
  /** in the Temporal UI; null where its address is not configured */
  url: string | null;
}

/** Runs that are blocked, or why that is not known. */
export type BlockedRuns = { runs: BlockedRun[]; reason?: never } | { runs: null; reason: string };

/** What is known of the data behind the reports: an endpoint of ours, that Koku does not have. */
export interface StatusAnswer {
  meta: {
    count: number;
    today: string;
    /** the first day that a request may name: older ones are not kept */
    first_day: string;
    /** lists that restrict the caller */
    access: Partial<Record<Restrictable, readonly string[]>>;
    currencies: {
      /** unless a request names another */
      default: string;
      /** what a request may name */
      choices: string[];
      /** by currency of a cost model: those that a rate to it is known of */
      convertible: Record<string, string[]>;
    };
  };
  data: {
    clusters: Record<string, unknown>[];
    failed_payloads: Record<string, unknown>[];
    blocked_runs: BlockedRun[] | null;
    blocked_runs_reason: string | null;
  };
}

/**
 * Clusters with their last days, hours, rejected rows and cost model; failed payloads; blocked runs.
 * @throws ApiError 400 for parameters, of which it has none
 */
export async function statusAnswer(
  client: ClientBase,
  orgId: string,
  call: Call,
  blocked: BlockedRuns,
): Promise<StatusAnswer> {
  validated(z.strictObject({}), queryTree(parseQuery(call.query)));
  const { cluster } = call.access;
  const { rows } = await client.query<Record<string, unknown> & { cluster: string | null }>(statusSql, [
    addDays(call.today, 1 - listedDays),
    cluster ?? null,
  ]);
  // The list may name a cluster that nothing has been summarised of yet.
  const ids = cluster === undefined ? null : [...cluster, ...rows.flatMap((row) => row.cluster ?? [])];
  const failed = await client.query<Record<string, unknown>>(failedPayloadsSql, [orgId, ids]);
  const runs = blocked.runs?.filter(
    ({ clusterId }) => ids === null || (clusterId !== undefined && ids.includes(clusterId)),
  );
  const settings = await readSettings(client);
  return {
    meta: {
      count: rows.length,
      today: call.today,
      first_day: firstOfMonth(call.today, 1 - (settings.retentionMonths ?? call.retentionMonths)),
      access: Object.fromEntries(restrictedKinds(call.access).map((kind) => [kind, call.access[kind] ?? []])),
      currencies: currenciesOf(settings),
    },
    data: {
      clusters: rows.map((row) => ({ ...row, last_hours: lastHours(row) })),
      failed_payloads: failed.rows,
      blocked_runs: runs ?? null,
      blocked_runs_reason: blocked.reason ?? null,
    },
  };
}

function currenciesOf(settings: TenantSettings): StatusAnswer['meta']['currencies'] {
  const choices = currencyChoices(settings);
  const used = [...new Set(settings.modelCurrencies.values())].sort();
  return {
    default: settings.currency,
    choices,
    convertible: Object.fromEntries(
      used.map((from) => [from, choices.filter((to) => hasRate(settings, from, to))]),
    ),
  };
}

/** Hours of the last day; null if it is not among those that are listed. */
function lastHours(row: Record<string, unknown>): number | null {
  const days = row['days'] as { date: string; hours: number }[];
  return days.find(({ date }) => date === row['last_day'])?.hours ?? null;
}
