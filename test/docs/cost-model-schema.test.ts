import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { documentSchema } from '../../costs/document-schema.ts';
import { metricNames } from '../../domain/costs/metrics.ts';

const schemaFile = fileURLToPath(new URL('../../docs/cost-model.schema.json', import.meta.url));
const { $schema, ...rest } = z.toJSONSchema(documentSchema, { io: 'input' });
const schema = { $schema, title: 'Cost model', description: "A document of Koku's cost-models API", ...rest };

test('docs/cost-model.schema.json is what the program reads', async () => {
  const style = await resolveConfig(schemaFile);
  await expect(
    await format(JSON.stringify(schema), { ...style, filepath: schemaFile }),
    'docs/cost-model.schema.json is out of date: run `npx vitest run test/docs -u`',
  ).toMatchFileSnapshot(schemaFile);
});

test('it has every metric, and every number has a type', () => {
  const text = JSON.stringify(schema);
  for (const name of metricNames) expect(text).toContain(`"${name}"`);
  expect(text).toContain('"value":{"type":"number","minimum":0,');
  expect(text).not.toMatch(/"(value|priority|usage_start|usage_end)":\{\}/);
});
