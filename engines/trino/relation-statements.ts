import type { RelationTable } from '../../domain/reports/relations.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';
import { loadSql } from '../../platform/database/sql-files.ts';

/** How a daily relation is computed by Trino. */
export interface RelationStatement {
  /** whose live rows the statement reads; without pieces of the first the relation is empty */
  kinds: readonly [ReportKind, ...ReportKind[]];
  /** Its columns have the names of the table's; those of label sets hold their JSON. */
  statement: string;
}

/** The statement of each daily relation. */
export const relationStatements: Readonly<Record<RelationTable, RelationStatement>> = {
  ocp_pod_day: { kinds: ['pod_usage'], statement: loadSql('engines/trino/pod_day.sql') },
  ocp_capacity_day: { kinds: ['pod_usage'], statement: loadSql('engines/trino/capacity_day.sql') },
  ocp_claim_day: {
    kinds: ['storage_usage', 'pod_usage'],
    statement: loadSql('engines/trino/claim_day.sql'),
  },
  ocp_node_label_day: { kinds: ['node_labels'], statement: loadSql('engines/trino/node_label_day.sql') },
  ocp_namespace_label_day: {
    kinds: ['namespace_labels'],
    statement: loadSql('engines/trino/namespace_label_day.sql'),
  },
  ocp_vm_day: { kinds: ['vm_usage'], statement: loadSql('engines/trino/vm_day.sql') },
  ocp_gpu_day: { kinds: ['gpu_usage'], statement: loadSql('engines/trino/gpu_day.sql') },
};
