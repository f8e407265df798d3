import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { alertsPath, promtoolPath } from './prometheus.ts';

const run = promisify(execFile);
const testsPath = join(dirname(alertsPath), 'alerts.test.yml');

interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
interface RuleFile {
  groups: { name: string; rules: Rule[] }[];
}
interface RuleTests {
  tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
}

let promtool: string;
let directory: string;
let file: RuleFile;
let rules: Rule[];
let tests: RuleTests;

beforeAll(async () => {
  promtool = await promtoolPath();
  directory = await mkdtemp(join(tmpdir(), 'ocp-alerts-'));
  file = parse(await readFile(alertsPath, 'utf8')) as RuleFile;
  rules = file.groups.flatMap((group) => group.rules);
  tests = parse(await readFile(testsPath, 'utf8')) as RuleTests;
});
afterAll(() => rm(directory, { recursive: true }));

test('promtool accepts the rules and the scrape configuration', async () => {
  await run(promtool, ['check', 'rules', alertsPath]);
  await run(promtool, ['check', 'config', join(dirname(alertsPath), 'prometheus.yml')]);
});

test('the alerts fire when they should and only then', async () => {
  const { stdout } = await run(promtool, ['test', 'rules', testsPath]);
  expect(stdout).toContain('SUCCESS');
});

test('every alert has a case in which it fires and one in which it keeps quiet', () => {
  const cases = tests.tests.flatMap((ruleTest) => ruleTest.alert_rule_test);
  const having = (wanted: (alerts: unknown[]) => boolean) =>
    new Set(cases.filter(({ exp_alerts }) => wanted(exp_alerts)).map(({ alertname }) => alertname));
  const names = rules.map(({ alert }) => alert).sort();
  expect([...having((alerts) => alerts.length > 0)].sort()).toEqual(names);
  expect([...having((alerts) => alerts.length === 0)].sort()).toEqual(names);
});

test('every alert has a severity, a summary and a place in the runbook of its own', () => {
  for (const { alert, labels, annotations } of rules) {
    expect(['critical', 'warning']).toContain(labels['severity']);
    expect(annotations['summary']).toMatch(/\w/);
    expect(annotations['runbook']).toBe(`docs/operations.md#${alert.toLowerCase()}`);
  }
});

test('the cases find an alert that can no longer fire', async () => {
  for (const { alert } of rules) {
    const broken = structuredClone(file);
    for (const rule of broken.groups.flatMap((group) => group.rules))
      if (rule.alert === alert) rule.expr = `(${rule.expr}) and on () vector(0) > 1`;
    await writeFile(join(directory, 'alerts.yml'), stringify(broken));
    // The cases of the other alerts would find nothing, and take promtool ten times as long.
    const own = tests.tests.filter((cases) =>
      cases.alert_rule_test.some(({ alertname }) => alertname === alert),
    );
    await writeFile(join(directory, 'alerts.test.yml'), stringify({ ...tests, tests: own }));
    await expect(run(promtool, ['test', 'rules', join(directory, 'alerts.test.yml')])).rejects.toThrow(alert);
  }
});
