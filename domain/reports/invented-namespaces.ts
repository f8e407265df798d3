/**
 * Namespaces that summaries invent for what no pod took or is charged for. SQL has them as functions
 * (sql/functions/006_usage_rows.sql), and so has what is generated here for it; a test compares the two.
 */
export const inventedNamespaces = {
  platformUnallocated: 'Platform unallocated',
  workerUnallocated: 'Worker unallocated',
  storageUnattributed: 'Storage unattributed',
  networkUnattributed: 'Network unattributed',
  gpuUnallocated: 'GPU unallocated',
} as const;

const all: ReadonlySet<string> = new Set(Object.values(inventedNamespaces));

/** Whether nobody has this namespace: it holds shared costs. */
export function isInventedNamespace(namespace: string): boolean {
  return all.has(namespace);
}
