import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { generatePayload, generatorVersion } from './generate.ts';
import type { GeneratedPayload, PayloadRequest } from './generate.ts';
import { lastDay } from './shapes.ts';

/** A payload in the cache. */
export interface CachedPayload extends GeneratedPayload {
  /** absolute path of its files */
  directory: string;
}

const factsFile = 'payload.json';

/** Have a payload, generating it when this machine has none of this shape, seed and generator version. */
export async function cachedPayload(
  cacheDirectory: string,
  request: PayloadRequest,
  onGenerate: () => void = () => undefined,
): Promise<CachedPayload> {
  const { nodeCount, podCount, dayCount, podLabelKeyCount } = request.shape;
  const labels = podLabelKeyCount === undefined ? '' : `-${podLabelKeyCount}-label-keys`;
  const hours = request.hours === undefined ? '' : `-${request.hours}-hours`;
  const until = `${request.until ?? lastDay}${hours}`;
  const key = `${nodeCount}-nodes-${podCount}-pods-${dayCount}-days${labels}-until-${until}-seed-${request.seed}-v${generatorVersion}`;
  const directory = join(cacheDirectory, key);
  const known = await readFile(join(directory, factsFile), 'utf8').catch(() => undefined);
  if (known !== undefined) return { ...(JSON.parse(known) as GeneratedPayload), directory };
  onGenerate();
  await mkdir(dirname(directory), { recursive: true });
  // Renamed into place when complete, so that an interrupted run leaves nothing that looks like a payload.
  const workshop = `${directory}.${process.pid}`;
  await rm(workshop, { recursive: true, force: true });
  const payload = await generatePayload(workshop, request);
  await writeFile(join(workshop, factsFile), JSON.stringify(payload, undefined, 1));
  await rm(directory, { recursive: true, force: true });
  await rename(workshop, directory);
  return { ...payload, directory };
}
