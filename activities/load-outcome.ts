import { log } from '@temporalio/activity';
import type { PoolClient } from 'pg';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ControlSums } from '../reports/control-sums.ts';
import type { LeftOutLabels } from '../reports/label-sets.ts';

const recordControlSumsSql = loadSql('intake/record_control_sums.sql');

/** Record what the rows of a piece add up to, in the transaction that records where they are. */
export async function keepControlSums(
  client: PoolClient,
  { pieceId, checksum }: { pieceId: number; checksum: string },
  sums: ControlSums,
): Promise<void> {
  const { hours, coreSecondsMagnitude, byteSecondsMagnitude } = sums.summary();
  await client.query(recordControlSumsSql, [
    pieceId,
    checksum,
    hours.map(({ hour }) => hour),
    hours.map(({ rowCount }) => rowCount),
    hours.map(({ coreSeconds }) => coreSeconds),
    hours.map(({ byteSeconds }) => byteSeconds),
    coreSecondsMagnitude,
    byteSecondsMagnitude,
  ]);
}

/** Tell the operator which labels of a piece its load or conversion left out; nothing if it left out none. */
export function warnOfLeftOut(objectKey: string, { keyCount, reducedSetCount }: LeftOutLabels): void {
  const where = { object_key: objectKey };
  if (keyCount > 0)
    log.warn('label keys were left out: the payload contains more new keys than OCP_MAX_NEW_LABEL_KEYS', {
      ...where,
      label_keys: keyCount,
    });
  if (reducedSetCount > 0)
    log.warn('label sets were reduced: the payload contains more new sets than OCP_MAX_NEW_LABEL_SETS', {
      ...where,
      label_sets: reducedSetCount,
    });
}
