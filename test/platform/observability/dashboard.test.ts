import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { h: number; w: number; x: number; y: number };
  fieldConfig?: { defaults: { unit: string } };
  targets?: { refId: string; expr: string; datasource: { type: string; uid: string } }[];
}
interface Dashboard {
  uid: string;
  title: string;
  schemaVersion: number;
  templating: { list: { name: string; type: string }[] };
  panels: Panel[];
}

let dashboard: Dashboard;
let graphs: Panel[];

beforeAll(async () => {
  const path = fileURLToPath(new URL('../../../deploy/grafana/ocp-pipeline.json', import.meta.url));
  dashboard = JSON.parse(await readFile(path, 'utf8')) as Dashboard;
  graphs = dashboard.panels.filter(({ type }) => type !== 'row');
});

test('the dashboard has an identity, a schema version that Grafana 10 reads, and no fixed data source', () => {
  expect(dashboard).toMatchObject({ uid: 'ocp-pipeline', title: 'ocp-pipeline', schemaVersion: 39 });
  expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
    ['datasource', 'datasource'],
    ['job', 'query'],
  ]);
  for (const { targets = [] } of graphs)
    for (const { datasource } of targets)
      expect(datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
});

test('every panel has an id of its own, a description, a unit and at least one query', () => {
  expect(graphs.length).toBeGreaterThan(10);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  for (const { title, description, fieldConfig, targets = [] } of graphs) {
    expect(title).toMatch(/\w/);
    expect(description).toMatch(/\.$/);
    expect(fieldConfig?.defaults.unit).toMatch(/\w/);
    expect(targets.length).toBeGreaterThan(0);
    expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
  }
});

test('panels lie within the 24 columns and beside each other', () => {
  const taken = new Map<string, number>();
  for (const { id, gridPos } of dashboard.panels) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken.get(`${x},${y}`)).toBeUndefined();
        taken.set(`${x},${y}`, id);
      }
  }
});

test('every query is limited to the chosen jobs', () => {
  for (const { targets = [] } of graphs)
    for (const { expr } of targets) {
      const selectors = expr.match(/\b(?:ocp_postgres|temporal)_\w+(\{[^}]*\})?/g) ?? [];
      expect(selectors.length).toBeGreaterThan(0);
      expect(selectors.filter((selector) => !selector.includes('job=~"$job"'))).toEqual([]);
    }
});
