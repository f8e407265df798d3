import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  detectReportKind,
  reportKindDefinition,
  reportKinds,
  stagingTableOf,
} from '../../domain/reports/report-kind.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';

function requiredColumns(kind: ReportKind): string[] {
  return reportKindDefinition(kind)
    .columns.filter((column) => column.required)
    .map((column) => column.name);
}

describe('the kind of a report', () => {
  test.for(reportKinds)('%s is found by its required columns, in any order and among others', (kind) => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...requiredColumns(kind), 'cluster_weather', 'LABEL'], {
          minLength: requiredColumns(kind).length + 2,
        }),
        (header) => {
          expect(detectReportKind(header)).toEqual({ kind });
        },
      ),
    );
  });

  test.for(reportKinds)('%s is not found when any required column is absent', (kind) => {
    const required = requiredColumns(kind);
    for (const absent of required) {
      const detected = detectReportKind(required.filter((name) => name !== absent));
      expect(detected).not.toEqual({ kind });
    }
  });

  test.for(reportKinds)(
    'the nearest kind to %s without one column is itself, and the column is named',
    (kind) => {
      const required = requiredColumns(kind);
      const absent = required.at(-1) ?? '';
      expect(detectReportKind(required.filter((name) => name !== absent))).toEqual({
        nearest: kind,
        missingColumns: [absent],
      });
    },
  );

  test('a header that fits several kinds is of the first in the order', () => {
    const all = reportKinds.flatMap(requiredColumns);
    expect(detectReportKind(all)).toEqual({ kind: 'storage_usage' });
    const laterKinds: ReportKind[] = ['gpu_usage', 'namespace_labels', 'node_labels'];
    expect(detectReportKind(laterKinds.flatMap(requiredColumns))).toEqual({ kind: 'node_labels' });
    expect(reportKinds).toEqual([
      'storage_usage',
      'pod_usage',
      'node_labels',
      'namespace_labels',
      'vm_usage',
      'gpu_usage',
    ]);
  });

  test('column names are case-sensitive and not trimmed', () => {
    const required = requiredColumns('node_labels');
    expect(detectReportKind(required.map((name) => name.toUpperCase()))).not.toHaveProperty('kind');
    expect(detectReportKind(required.map((name) => ` ${name}`))).not.toHaveProperty('kind');
  });

  test('a report for resource optimization resembles none of them', () => {
    const detected = detectReportKind([
      ...requiredColumns('node_labels').slice(0, 4),
      'container_name',
      'pod',
      'owner_kind',
      'cpu_usage_container_avg',
    ]);
    expect(detected).not.toHaveProperty('kind');
    expect(detected).toHaveProperty('missingColumns');
  });

  test('an empty header lacks everything', () => {
    expect(detectReportKind([])).toEqual({
      nearest: 'storage_usage',
      missingColumns: requiredColumns('storage_usage'),
    });
  });

  test('columns of newer operators are known but not required', () => {
    const optional = (kind: ReportKind) =>
      reportKindDefinition(kind)
        .columns.filter((column) => !column.required)
        .map((column) => column.name);
    expect(optional('storage_usage')).toEqual(['node', 'csi_driver', 'csi_volume_handle']);
    expect(optional('pod_usage')).toEqual(['node_role']);
    expect(optional('gpu_usage')).toEqual([
      'mig_instance_id',
      'mig_profile',
      'mig_strategy',
      'gpu_max_slices',
    ]);
    expect(optional('vm_usage')).toEqual([]);
  });

  test.for([
    ['storage_usage', 15],
    ['pod_usage', 19],
    ['node_labels', 6],
    ['namespace_labels', 6],
    ['vm_usage', 33],
    ['gpu_usage', 12],
  ] as const)('%s requires %d columns, each once', ([kind, count]) => {
    const required = requiredColumns(kind);
    expect(required).toHaveLength(count);
    expect(new Set(required).size).toBe(count);
  });

  test('each kind has a staging table of its own', () => {
    expect(new Set(reportKinds.map(stagingTableOf)).size).toBe(reportKinds.length);
  });
});
