import type { PipelineState } from './run.ts';

/**
 * Search attributes of a run, by which operators find it, and their types as Temporal's command line and its manuals
 * call them. They must be registered in the namespace before a run starts. Whatever needs one of them (the keys of the
 * SDK, `setup`, `doctor`, the dev server, queries, the documentation) goes through this list.
 */
export const searchAttributeTypes = {
  OrgId: 'Keyword',
  ClusterId: 'Keyword',
  BillingMonth: 'Keyword',
  PipelineState: 'Keyword',
  ManifestDate: 'Datetime',
} as const satisfies Readonly<Record<string, 'Keyword' | 'Datetime'>>;

export type SearchAttribute = keyof typeof searchAttributeTypes;

/** Every search attribute, in the order of the list. */
export const searchAttributeNames = Object.keys(searchAttributeTypes) as readonly SearchAttribute[];

/** Visibility query for runs in a state; one that was terminated keeps its state but is no longer in it. */
function runsIn(state: PipelineState): string {
  return `${'PipelineState' satisfies SearchAttribute}="${state}" and ExecutionStatus="Running"`;
}

/** Workflows that wait for an operator's decision. */
export const blockedRunsQuery = runsIn('blocked');

/** Condition of a visibility query: of an organisation. */
export function ofOrganisation(orgId: string): string {
  const quoted = orgId.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return `${'OrgId' satisfies SearchAttribute}="${quoted}"`;
}
