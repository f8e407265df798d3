import { beforeAll, expect, test } from 'vitest';
import { summaryTableNames } from '../../domain/reports/summary-tables.ts';
import { createTestDatabase } from '../support/database.ts';
import { describeTables, renderDictionary, unexplained } from '../support/data-dictionary.ts';
import type { DescribedTable } from '../support/data-dictionary.ts';

const dictionaryFile = new URL('../../docs/data-dictionary.md', import.meta.url);
/** Partitioned tables that exist for Koku's sake. */
const notFilled = ['reporting_ocp_cost_breakdown_p', 'rates_to_usage'];

let tables: DescribedTable[];
beforeAll(async () => {
  const { pool, schema } = await createTestDatabase();
  tables = await describeTables(pool, schema);
});

test('docs/data-dictionary.md is what a migrated database says', async () => {
  await expect(
    renderDictionary(tables),
    'docs/data-dictionary.md is out of date: run `npx vitest run test/docs -u`',
  ).toMatchFileSnapshot(dictionaryFile.pathname);
});

test('every table of ours and every summary table that we fill is explained, column by column', () => {
  expect(unexplained(tables)).toEqual([]);
});

test('the dictionary has every table that the pipeline fills', () => {
  const described = new Set(tables.map(({ name }) => name));
  const needed = [
    ...summaryTableNames.filter((name) => !notFilled.includes(name)),
    'reporting_ocpusagelineitem_pod_staging',
    'reporting_ocpusagepodlabel_summary',
    'reporting_ocpstoragevolumelabel_summary',
    'reporting_ocptags_values',
    'reporting_ocp_clusters',
    'reporting_ocp_nodes',
    'reporting_ocp_projects',
    'reporting_ocp_pvcs',
    'reporting_ocpusagereportperiod',
    'ocp_piece',
    'ocp_day',
    'ocp_validation_warning',
    'payload_inbox',
    'ingest_failure',
    'tenant_setting',
    'api_token',
  ];
  expect(needed.filter((name) => !described.has(name))).toEqual([]);
});

test('the dictionary has one section per table, and no table twice', () => {
  const sections = [...renderDictionary(tables).matchAll(/^### (.*)$/gm)].map((match) => match[1]);
  expect(new Set(sections).size).toBe(sections.length);
  expect([...sections].sort()).toEqual(tables.map(({ name }) => name).sort());
});

test('a bar, a tag and a line break in a comment do not break the table', () => {
  const text = renderDictionary([
    {
      schema: 'org1',
      name: 'ocp_sample',
      meaning: null,
      partitionColumn: null,
      keys: ['a, b'],
      columns: [{ name: 'a', type: 'text', nullable: true, meaning: 'one|two\n  org<id>' }],
    },
  ]);
  expect(text).toContain('| `a` | text | one\\|two org&lt;id> |');
  expect(text).toContain('Unique by: (a, b).');
});
