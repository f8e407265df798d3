import { podHours, vmHour, volumeHours } from '../summary/vm-fixture.ts';
import type { TestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import { day, hourly, price, writeReports } from './small-clusters.ts';

/** Two clusters of one alias, which call everything in them by the same names; only their prices and sizes differ. */
export interface Twins {
  orgId: string;
  /** ids: a core-hour costs 1 USD in the first and 3 USD in the second */
  cheap: string;
  dear: string;
}

/**
 * Each has two hours of one day: machine `db` and pod `web` in project `shop` on node `w1` of 16 cores, with claim
 * `data`.
 *
 *            cores of db   of web   core-hours   rate   db   web   not requested    cost of the node
 *   cheap        1            2          6        1      2    4    (32 − 6) · 1           32
 *   dear         2            3         10        3     12   18    (32 − 10) · 3          96
 */
export async function addTwins(main: TestDatabase): Promise<Twins> {
  const database = { ...main, orgId: 'twins', schema: 'orgtwins' };
  const cluster = async (rate: number, cores: number, usedGib: number): Promise<string> => {
    const source = await createStagedSource(database, day.slice(0, 7));
    await source.stage('pod_usage', day, [
      ...podHours({ vm_kubevirt_io_name: 'db' }, { cores }),
      ...podHours({}, { pod: 'web', cores: cores + 1 }),
    ]);
    await source.stage('vm_usage', day, [
      vmHour(0, { cores, memory: 1, claim: 'data' }),
      vmHour(1, { cores, memory: 1, claim: 'data' }),
    ]);
    await source.stage('storage_usage', day, volumeHours('data', usedGib));
    await source.summarise('koku', day);
    await price(source, { rates: hourly(rate) });
    await writeReports(source, day.slice(0, 7));
    return source.clusterId;
  };
  return { orgId: database.orgId, cheap: await cluster(1, 1, 10), dear: await cluster(3, 2, 30) };
}
