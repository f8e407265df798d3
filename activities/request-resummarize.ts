import { Context, log } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { ResummarizeInput, SettingsChange } from '../domain/resummarize.ts';
import { settingsWorkflowId } from '../domain/resummarize.ts';
import { fairnessKeyOf } from '../domain/priority.ts';
import { mostNamesInHistory, taskQueues } from '../domain/run.ts';
import { billingMonthOf, firstDay } from '../domain/usage-day.ts';
import type { BillingMonth } from '../domain/usage-day.ts';
import type { WatchSettingsInput, WatchSettingsResult } from '../domain/watch-settings.ts';
import { inTenantTransaction } from '../platform/database.ts';
import { loadSql } from '../platform/sql-files.ts';
import { tenantSettings } from '../platform/tenant.ts';
import type { ActivityDependencies } from './dependencies.ts';

const changedSourcesSql = loadSql('daily/changed_settings.sql');

/**
 * Ask for a rebuild of the current month of every source whose settings differ from those it was summarised with. The
 * waiting rebuild of a source is signalled instead of started twice. One tenant's failure does not stop the others.
 */
export async function requestResummarize(
  deps: ActivityDependencies,
  input: WatchSettingsInput,
): Promise<WatchSettingsResult> {
  const { client } = Context.current();
  const month = billingMonthOf(deps.now());
  const tenants = await deps.pool.query<{ org_id: string; schema_name: string }>(
    `select org_id, schema_name
     from public.api_customer
     where to_regclass(quote_ident(schema_name) || '.ocp_day') is not null
     order by org_id`,
  );
  let sourceCount = 0;
  const failedTenants: string[] = [];
  for (const { org_id: orgId, schema_name: schema } of tenants.rows) {
    try {
      for (const change of await changedSources(deps, schema, month)) {
        await request(client, { orgId, schema, month, ...change }, input);
        sourceCount += 1;
      }
    } catch (error) {
      log.error('settings of a tenant could not be compared', { orgId, error });
      failedTenants.push(orgId);
    }
  }
  return { sourceCount, failedTenants: failedTenants.slice(0, mostNamesInHistory) };
}

async function changedSources(
  deps: ActivityDependencies,
  schema: string,
  month: BillingMonth,
): Promise<{ sourceUuid: string; settingsHash: string }[]> {
  const rules = (await tenantSettings(deps.pool, schema)).rules ?? deps.config.OCP_RULES;
  const { rows } = await inTenantTransaction(deps.pool, schema, (client) =>
    client.query<{ sourceUuid: string; settingsHash: string }>(changedSourcesSql, [firstDay(month), rules]),
  );
  return rows;
}

async function request(
  client: Client,
  source: Pick<ResummarizeInput, 'orgId' | 'schema' | 'sourceUuid' | 'month'> & SettingsChange,
  input: WatchSettingsInput,
): Promise<void> {
  const { settingsHash } = source;
  const started: ResummarizeInput = { ...source, delayMs: input.delayMs, options: input.options ?? {} };
  await client.workflow.signalWithStart('resummarize', {
    workflowId: settingsWorkflowId(source),
    taskQueue: taskQueues.pipeline,
    args: [started],
    signal: 'settingsChanged',
    signalArgs: [{ settingsHash }],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    priority: { fairnessKey: fairnessKeyOf(source.orgId) },
    staticSummary: `settings changed: rebuild ${source.month}`,
  });
}
