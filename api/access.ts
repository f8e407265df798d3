import { forbidden } from './errors.ts';

/** What access lists restrict. */
export const restrictable = ['cluster', 'node', 'project'] as const;
export type Restrictable = (typeof restrictable)[number];

/**
 * What a caller may see: names by kind, `undefined` for all of the kind. A cluster is named by its id or its alias, and
 * everything by equality.
 */
export type AccessLists = Readonly<Record<Restrictable, readonly string[] | undefined>>;

/** Everything of the organisation. */
export const fullAccess: AccessLists = { cluster: undefined, node: undefined, project: undefined };

/**
 * Access lists as they are granted: `*` means all; an empty list of nodes or projects means all, once there is a
 * cluster.
 *
 * @throws ApiError 403 without any cluster
 */
export function accessLists(granted: Readonly<Record<Restrictable, readonly string[]>>): AccessLists {
  if (granted.cluster.length === 0) throw forbidden('You have access to no cluster.');
  const list = (names: readonly string[]) =>
    names.length === 0 || names.includes('*') ? undefined : [...new Set(names)].sort();
  return { cluster: list(granted.cluster), node: list(granted.node), project: list(granted.project) };
}

/** The kinds that are restricted. They count as keys when the table is chosen. */
export function restrictedKinds(access: AccessLists): Restrictable[] {
  return restrictable.filter((kind) => access[kind] !== undefined);
}

/** Is the field one that access lists can restrict? */
function isRestrictable(field: string): field is Restrictable {
  return (restrictable as readonly string[]).includes(field);
}

/**
 * Values that a request names must be entries of the list, so that nobody learns what exists beyond it.
 * @throws ApiError 403
 */
export function checkNamed(access: AccessLists, field: string, values: readonly string[]): void {
  if (!isRestrictable(field)) return;
  const list = access[field];
  if (list === undefined) return;
  const outside = values.find((value) => value !== '*' && !list.includes(value));
  if (outside !== undefined) throw forbidden(`You have no access to this ${field}.`);
}
