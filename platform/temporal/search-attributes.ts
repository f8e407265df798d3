import type { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { searchAttributeNames, searchAttributeTypes } from '../../domain/run/search-attributes.ts';
import type { SearchAttribute } from '../../domain/run/search-attributes.ts';

const { IndexedValueType } = proto.temporal.api.enums.v1;
const valueTypes = {
  Keyword: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  Datetime: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
};

/** Our search attributes that the namespace does not have yet; a run with one of them cannot start. */
export async function missingSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<SearchAttribute[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return searchAttributeNames.filter((name) => !(name in customAttributes));
}

/** Register what is missing. @returns names that were registered */
export async function registerSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<SearchAttribute[]> {
  const missing = await missingSearchAttributes(connection, namespace);
  if (missing.length > 0)
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(
        missing.map((name) => [name, valueTypes[searchAttributeTypes[name]]]),
      ),
    });
  return missing;
}
