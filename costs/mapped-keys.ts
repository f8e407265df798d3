import type { PoolClient } from 'pg';
import { isPlainList } from './cost-model.ts';
import type { CostModel } from './cost-model.ts';
import { documentRefused } from './cost-model-document.ts';

/**
 * A label key that is mapped to another is never seen in the summaries that rates are applied to. Mappings stay as they
 * are until the transaction ends; mapping, in its turn, refuses keys that rates use.
 *
 * @param source of the document, for messages
 * @throws PipelineError `ConfigInvalid` with the path of every such key
 */
export async function refuseChildKeys(client: PoolClient, model: CostModel, source: string): Promise<void> {
  const used = model.price_lists.flatMap((list, listIndex) =>
    list.rates.flatMap((rate, index) => {
      const key = rate.tag_rates?.tag_key;
      const inList = isPlainList(model.name, list) ? [] : ['price_lists', listIndex];
      return key === undefined ? [] : [{ key, path: [...inList, 'rates', index, 'tag_rates', 'tag_key'] }];
    }),
  );
  if (used.length === 0) return;
  await client.query('lock table reporting_tagmapping in share mode');
  const { rows } = await client.query<{ child: string; parent: string }>(
    `select child.key as child, parent.key as parent
     from reporting_tagmapping as pair
     join reporting_enabledtagkeys as child on child.uuid = pair.child_id
     join reporting_enabledtagkeys as parent on parent.uuid = pair.parent_id
     where child.provider_type = 'OCP'
         and child.key = any($1::text[])`,
    [used.map(({ key }) => key)],
  );
  const parentOf = new Map(rows.map(({ child, parent }) => [child, parent]));
  const problems = used.flatMap(({ key, path }) => {
    const parent = parentOf.get(key);
    return parent === undefined
      ? []
      : [{ path, message: `${key} is mapped to ${parent} and counts under it; use ${parent}` }];
  });
  if (problems.length > 0) throw documentRefused(source, problems);
}
