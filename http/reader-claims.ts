import { z } from 'zod';
import { accessLists, fullAccess } from '../api/access.ts';
import type { AccessLists } from '../api/access.ts';
import { forbidden } from '../api/errors.ts';

const names = z.union([
  z.array(z.string().min(1)),
  z
    .string()
    .min(1)
    .transform((name) => [name]),
]);
const schema = z.object({
  is_org_admin: z.boolean().optional(),
  openshift: z
    .object({ cluster: names.default([]), node: names.default([]), project: names.default([]) })
    .optional(),
});

/**
 * What a JWT lets its holder see: everything if the claim `is_org_admin` is true, else the lists of the claim
 * `openshift`, `{"cluster": ["…"], "node": ["…"], "project": ["…"]}`, which count as those of Koku's access service do
 * (API §1).
 * @throws ApiError 403 without any cluster, and for claims of another form
 */
export function accessOfClaims(claims: unknown): AccessLists {
  const parsed = schema.safeParse(claims);
  if (!parsed.success)
    throw forbidden(
      'The token has claims of another form than expected: is_org_admin true or false, openshift an object with lists ' +
        'of names called cluster, node and project.',
    );
  const { is_org_admin: isAdmin, openshift } = parsed.data;
  if (isAdmin === true) return fullAccess;
  return accessLists(openshift ?? { cluster: [], node: [], project: [] });
}
