import type { Pool } from 'pg';
import { loadSql } from '../platform/database/sql-files.ts';

const expiredAnnouncementsSql = loadSql('retention/expired_announcements.sql');

/** How long an announcement is kept: a message that is read again within this time is not answered again. */
const keptDays = 90;
const batchSize = 1_000;

/**
 * Delete announcements of Kafka messages of long ago, answered or not, also those that named no organisation. Rerun:
 * finds nothing.
 *
 * @param batchDone called after each batch, for heartbeats; may throw to stop
 * @returns how many were deleted
 */
export async function purgeAnnouncements(pool: Pool, batchDone: () => void): Promise<number> {
  let deletedCount = 0;
  for (;;) {
    const { rowCount } = await pool.query(expiredAnnouncementsSql, [keptDays, batchSize]);
    deletedCount += rowCount ?? 0;
    batchDone();
    if ((rowCount ?? 0) < batchSize) return deletedCount;
  }
}
