import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listTagMappings, mapTags, unmapTags } from '../../summary/tag-mapping.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

describe('mapping tags', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  beforeEach(async () => {
    await query('truncate reporting_tagmapping, reporting_enabledtagkeys, cost_model, price_list cascade');
    await setTagKeys(database.pool, database.schema, ['app', 'application', 'appl', 'team', 'squad'], true);
  });

  const query = (text: string, values: unknown[] = []) =>
    inTenantTransaction(database.pool, database.schema, (client) => client.query(text, values));
  const map = (parent: string, ...children: string[]) =>
    mapTags(database.pool, database.schema, parent, children);
  const list = () => listTagMappings(database.pool, database.schema);
  const refused = (message: RegExp) => ({
    type: 'ConfigInvalid',
    retryable: false,
    message: expect.stringMatching(message) as string,
  });

  test('children are listed under their parent, and mapping them again changes nothing', async () => {
    expect(await map('app', 'application', 'appl', 'appl')).toBe(2);
    expect(await map('team', 'squad')).toBe(1);
    const mappings = [
      { parent: 'app', children: ['appl', 'application'] },
      { parent: 'team', children: ['squad'] },
    ];
    expect(await list()).toEqual(mappings);
    expect(await map('app', 'application')).toBe(0);
    expect(await list()).toEqual(mappings);
  });

  test('unmapping frees the named children, and a second time nothing is left to free', async () => {
    await map('app', 'application', 'appl');
    expect(await unmapTags(database.pool, database.schema, ['application', 'squad'])).toBe(1);
    expect(await list()).toEqual([{ parent: 'app', children: ['appl'] }]);
    expect(await unmapTags(database.pool, database.schema, ['application'])).toBe(0);
  });

  test('keys that are not enabled or unknown are refused, all of them at once', async () => {
    await setTagKeys(database.pool, database.schema, ['team', 'squad'], false);
    await expect(map('team', 'squad', 'nowhere')).rejects.toMatchObject(
      refused(
        /team is not an enabled key.*squad is not an enabled key.*nowhere is not an enabled key.*tags enable nowhere/,
      ),
    );
    expect(await list()).toEqual([]);
  });

  test('one refused child keeps the others from being mapped', async () => {
    await expect(map('app', 'application', 'nowhere')).rejects.toMatchObject(refused(/nowhere/));
    expect(await list()).toEqual([]);
  });

  test('a key cannot be its own parent', async () => {
    await expect(map('app', 'app')).rejects.toMatchObject(refused(/app cannot be its own parent/));
  });

  test('a mapping without children is refused', async () => {
    await expect(map('app')).rejects.toMatchObject(refused(/no child key given/));
  });

  test('a child cannot become a parent', async () => {
    await map('app', 'application');
    await expect(map('application', 'appl')).rejects.toMatchObject(
      refused(/application is itself mapped to app; unmap it first, or map to app/),
    );
  });

  test('a parent cannot become a child', async () => {
    await map('app', 'application');
    await expect(map('team', 'app')).rejects.toMatchObject(refused(/app is the parent of other keys/));
  });

  test('a child has one parent', async () => {
    await map('app', 'application');
    await expect(map('team', 'application')).rejects.toMatchObject(
      refused(/application is already mapped to app; unmap it first/),
    );
    expect(await list()).toEqual([{ parent: 'app', children: ['application'] }]);
  });

  test('two changes at once cannot make a key both parent and child', async () => {
    const outcomes = await Promise.allSettled([map('app', 'application'), map('application', 'appl')]);
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    expect(await list()).toHaveLength(1);
  });

  const tagRates = JSON.stringify([
    { metric: { name: 'cpu_core_usage_per_hour' }, tiered_rates: [{ value: 1 }] },
    { metric: { name: 'cpu_core_usage_per_hour' }, tag_rates: { tag_key: 'application', tag_values: [] } },
  ]);
  const addPriceList = (rates: string) =>
    query(
      `insert into price_list (uuid, name, description, currency, effective_start_date, effective_end_date, enabled, version, rates,
           created_timestamp, updated_timestamp)
       values ('00000000-0000-4000-8000-000000000001', 'autumn', '', 'USD', '2026-01-01', '2026-12-31', true, 1, $1, now(), now())`,
      [rates],
    );

  test('a child that a cost model prices is refused, and as a parent it is welcome', async () => {
    await query(
      `insert into cost_model (uuid, name, description, source_type, created_timestamp, updated_timestamp, rates, markup,
           distribution, currency, distribution_info)
       values (gen_random_uuid(), 'standard', '', 'OCP', now(), now(), $1, '{}', 'cpu', 'USD', '{}')`,
      [tagRates],
    );
    await expect(map('app', 'application')).rejects.toMatchObject(
      refused(/application is used by rates of cost model standard; change the rates to app first/),
    );
    expect(await map('application', 'appl')).toBe(1);
  });

  test('a child that a price list prices is refused', async () => {
    await addPriceList(tagRates);
    await expect(map('app', 'application')).rejects.toMatchObject(refused(/rates of price list autumn/));
    expect(await map('app', 'appl')).toBe(1);
  });

  test('a child that a single rate prices is refused', async () => {
    await addPriceList('[]');
    await query(
      `insert into cost_model_rate (uuid, custom_name, description, metric, metric_type, cost_type, tag_key, tag_values,
           created_timestamp, updated_timestamp, price_list_id)
       values (gen_random_uuid(), 'by application', '', 'cpu_core_usage_per_hour', 'cpu', 'Supplementary', 'application', '[]',
           now(), now(), '00000000-0000-4000-8000-000000000001')`,
    );
    await expect(map('app', 'application')).rejects.toMatchObject(refused(/rates of price list autumn/));
  });
});
