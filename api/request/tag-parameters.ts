import { invalidParameter } from '../errors.ts';
import type { QueryTree } from './query-string.ts';
import type { Operator } from './schema.ts';

/** `filter[and:tag:app]=a` and its like, taken out of the tree because label keys are in no schema. */
export interface TagParameter {
  parameter: 'filter' | 'exclude' | 'group_by' | 'order_by';
  operator: Operator | undefined;
  key: string;
  /** as in the URL: `and:tag:app` */
  name: string;
  values: string[];
}

const tagForm = /^(?:(exact|and|or):)?tag:(.+)$/s;
const withTags = ['filter', 'exclude', 'group_by', 'order_by'] as const;

/** Take the label parameters out of a tree; what is left is for the schema. @throws ApiError 400 for blank values */
export function takeTags(tree: QueryTree): TagParameter[] {
  const taken: TagParameter[] = [];
  for (const parameter of withTags) {
    const keyed = tree[parameter];
    if (keyed === undefined || Array.isArray(keyed)) continue;
    for (const [name, given] of Object.entries(keyed)) {
      const form = tagForm.exec(name);
      if (form === null) continue;
      const values = given.flatMap((text) => text.split(','));
      if (values.includes('')) throw invalidParameter(parameter, name, 'This field may not be blank.');
      taken.push({
        parameter,
        operator: form[1] as Operator | undefined,
        key: form[2] ?? '',
        name,
        values,
      });
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a null-prototype dictionary
      delete keyed[name];
    }
  }
  return taken;
}
