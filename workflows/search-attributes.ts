import { defineSearchAttributeKey } from '@temporalio/common';
import type { SearchAttributeType } from '@temporalio/common';
import { searchAttributeTypes } from '../domain/run/search-attributes.ts';
import type { SearchAttribute } from '../domain/run/search-attributes.ts';

/** The search attributes as the SDK expects them: `OrgId` of the list is `orgId` here. */
type SearchAttributeKeys = {
  readonly [Name in SearchAttribute as Uncapitalize<Name>]: ReturnType<
    typeof defineSearchAttributeKey<Uppercase<(typeof searchAttributeTypes)[Name]>>
  >;
};

/** Typed keys of the search attributes of a run. */
export const searchAttributes = Object.fromEntries(
  Object.entries(searchAttributeTypes).map(([name, type]) => [
    name.charAt(0).toLowerCase() + name.slice(1),
    defineSearchAttributeKey(name, type.toUpperCase() as SearchAttributeType),
  ]),
) as unknown as SearchAttributeKeys;
