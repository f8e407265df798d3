import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { applyModel } from '../costs/apply-model.ts';
import type { AssignedSource } from '../costs/assignments.ts';
import { readCostModel } from '../costs/cost-model-document.ts';
import { listModels } from '../costs/stored-models.ts';
import { packageRoot } from '../platform/config/package-root.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { table } from './output.ts';

/** Costs of a project, in the currency of the cost model; `distributed` is what it received, or gave if negative. */
export interface ProjectCost {
  project: string;
  cpu: number;
  memory: number;
  volume: number;
  gpu: number;
  distributed: number;
}

const samplePath = join(packageRoot, 'samples', 'cost-model.yaml');
const costByProjectSql = loadSql('status/cost_by_project.sql');

/** Give the source the cost model of the demo, if it has none: a model that somebody tries out stays. */
export async function giveDemoModel(pool: Pool, source: AssignedSource & { schema: string }): Promise<void> {
  const models = await listModels(pool, source.schema);
  if (models.some(({ sourceUuids }) => sourceUuids.includes(source.sourceUuid))) return;
  const model = readCostModel(await readFile(samplePath, 'utf8'), 'yaml', samplePath);
  await applyModel(pool, source.schema, model, { source: samplePath, sources: [source], move: false });
}

/** Costs by project of the days of a manifest. */
export async function costByProject(
  pool: Pool,
  { schema, sourceUuid }: { schema: string; sourceUuid: string },
  manifestUuid: string | undefined,
): Promise<ProjectCost[]> {
  return inTenantTransaction(
    pool,
    schema,
    async (tenant) => (await tenant.query<ProjectCost>(costByProjectSql, [sourceUuid, manifestUuid])).rows,
  );
}

/** Before and after distribution, with the sum of all projects, which distribution leaves as it is. */
export function costTable(costs: readonly ProjectCost[]): string {
  const amounts = costs.map(({ cpu, memory, volume, gpu, distributed }) => {
    const own = cpu + memory + volume + gpu;
    return [cpu, memory, volume, own, distributed, own + distributed];
  });
  const all = (amounts[0] ?? []).map((_, column) =>
    amounts.reduce((sum, row) => sum + (row[column] ?? 0), 0),
  );
  // A sum that is 0 but for rounding is not negative.
  const cents = (row: readonly number[]) => row.map((amount) => Math.round(amount * 100) / 100 + 0);
  return table(
    [
      'project',
      'CPU\ncost',
      'memory\ncost',
      'volume\ncost',
      'before\ndistribution',
      'received\nor given',
      'after\ndistribution',
    ],
    costs.length === 0
      ? []
      : [
          ...costs.map(({ project }, index) => [project, ...cents(amounts[index] ?? [])]),
          ['all', ...cents(all)],
        ],
    'No costs',
  );
}
