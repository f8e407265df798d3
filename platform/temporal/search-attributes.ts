import type { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';

/** Search attributes of our runs and their types, as the server names them. */
export const searchAttributeTypes = {
  OrgId: 'KEYWORD',
  ClusterId: 'KEYWORD',
  BillingMonth: 'KEYWORD',
  PipelineState: 'KEYWORD',
  ManifestDate: 'DATETIME',
} as const;

const { IndexedValueType } = proto.temporal.api.enums.v1;
const valueTypes = {
  KEYWORD: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  DATETIME: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
};

/** Names of ours that the namespace does not have yet; a run with one of them cannot start. */
export async function missingSearchAttributes(connection: Connection, namespace: string): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return Object.keys(searchAttributeTypes).filter((name) => !(name in customAttributes));
}

/** Register what is missing. @returns names registered now */
export async function registerSearchAttributes(connection: Connection, namespace: string): Promise<string[]> {
  const missing = await missingSearchAttributes(connection, namespace);
  if (missing.length > 0)
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(
        missing.map((name) => [
          name,
          valueTypes[searchAttributeTypes[name as keyof typeof searchAttributeTypes]],
        ]),
      ),
    });
  return missing;
}
