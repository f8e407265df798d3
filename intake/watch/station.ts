import { finished } from 'node:stream/promises';
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { ingestWorkflowId } from '../../domain/run/run.ts';
import type { PipelineState } from '../../domain/run/run.ts';
import { findArchive } from '../../payload/inbox.ts';
import { abortable, resultOf } from '../../platform/temporal/calls.ts';
import type { ingestManifest } from '../../workflows/index.ts';
import { openFailuresQuery } from '../../workflows/messages.ts';
import { searchAttributes } from '../../workflows/search-attributes.ts';
import { acceptPayload } from '../accept-payload.ts';
import type { Acceptance, IntakeDeps } from '../accept-payload.ts';
import { hashOf, openBytes } from './dropped-bytes.ts';
import { FileProblem } from './drop-place.ts';
import type { Box, DroppedFile, DropPlace } from './drop-place.ts';
import { goodOutcomes } from './events.ts';
import type { TakenName, WatchEvent } from './events.ts';
import { endedWith, failedWith, knownBefore, noArchive } from './outcome.ts';
import type { Ending } from './outcome.ts';

/** What a watcher works with. */
export interface WatchDeps extends IntakeDeps {
  /** what an error means to a person, without secrets */
  explain: (error: unknown) => { errorType: string; message: string };
  say: (event: WatchEvent) => void;
}

/** How long a server may take to answer before it counts as away. */
const serverPatienceMs = 5_000;

/** @throws the error of a server that is away */
export async function requireServers({
  pool,
  client,
  objectStore,
}: Pick<WatchDeps, 'pool' | 'client' | 'objectStore'>): Promise<void> {
  await pool.query('select 1');
  await client.withDeadline(Date.now() + serverPatienceMs, () => client.workflowService.getSystemInfo({}));
  await objectStore.head('payloads/none');
}

/** A file in `processing/`. */
interface Followed {
  file: DroppedFile;
  sha256: string;
  requestId: string;
  state?: PipelineState;
  isBlocked: boolean;
}

/** Waiting time before a file that could not be taken is tried again, doubling. */
const patienceMs = { first: 5_000, max: 300_000 };

/** Files dropped for one organisation, in one place. Nothing is kept in memory that the next process does not find. */
export class Station {
  readonly orgId: string;
  readonly place: DropPlace;
  readonly #deps: WatchDeps;
  readonly #signal: AbortSignal;
  /** dropped files at the last look, by name */
  #seen = new Map<string, string>();
  readonly #followed = new Map<string, Followed>();
  /** why a file was left alone, by name and version, and when it is tried again */
  readonly #leftAlone = new Map<string, { retryAtMs: number; pauseMs: number }>();
  /** files that ended otherwise than they should, and those that were left alone */
  problemCount = 0;

  constructor(deps: WatchDeps, orgId: string, place: DropPlace, signal: AbortSignal) {
    this.orgId = orgId;
    this.place = place;
    this.#deps = deps;
    this.#signal = signal;
  }

  /** Runs that are followed and not blocked. */
  get openCount(): number {
    return [...this.#followed.values()].filter(({ isBlocked }) => !isBlocked).length;
  }

  /** Runs that wait for a person. */
  get blockedCount(): number {
    return this.#followed.size - this.openCount;
  }

  /**
   * Look what has been dropped: a file is taken when it is the same as at the last look.
   *
   * @param only names of the files that are taken; undefined: all
   * @returns names of dropped files that are not taken yet
   * @throws an error of a server, or of the place
   */
  async look(only?: ReadonlySet<string>): Promise<string[]> {
    await this.#findFollowed();
    const files = await this.place.list('incoming');
    this.#forget(files);
    const before = this.#seen;
    this.#seen = new Map(files.map(({ name, version }) => [name, version]));
    const waiting: string[] = [];
    for (const file of files) {
      this.#signal.throwIfAborted();
      if (only?.has(file.name) === false) continue;
      if (file.problem !== undefined) this.#leave(file, file.problem);
      else if (before.get(file.name) === file.version && file.byteCount > 0) await this.#tryToTake(file);
      else waiting.push(file.name);
    }
    return waiting;
  }

  /** Ask how the runs of followed files do, and put away files whose run has ended. @throws an error of a server */
  async follow(): Promise<void> {
    for (const [name, followed] of this.#followed) {
      this.#signal.throwIfAborted();
      await this.#followOne(name, followed);
    }
  }

  /** What lies in `processing/` and is not followed: another process put it there, and may have ended since. */
  async #findFollowed(): Promise<void> {
    const files = await this.place.list('processing');
    const names = new Set(files.map(({ name }) => name));
    for (const name of this.#followed.keys()) if (!names.has(name)) this.#followed.delete(name);
    for (const file of files) {
      const followed = this.#followed.get(file.name)?.file.version;
      const isFollowed = followed !== undefined && (!this.place.keepsVersions || followed === file.version);
      if (isFollowed || file.problem !== undefined) continue;
      const sha256 = await hashOf(this.place.read('processing', file)).catch(whenFileProblem);
      if (sha256 === undefined) continue;
      const requestId = (await findArchive(this.#deps.pool, this.orgId, sha256))?.requestId ?? sha256;
      this.#followed.set(file.name, { file, sha256, requestId, isBlocked: false });
      this.#deps.say({ event: 'followed again', ...this.#named(file.name, requestId) });
    }
  }

  async #tryToTake(file: DroppedFile): Promise<void> {
    const id = idOf(file);
    const earlier = this.#leftAlone.get(id);
    if (earlier !== undefined && performance.now() < earlier.retryAtMs) return;
    await requireServers(this.#deps);
    try {
      await this.#take(file);
      this.#leftAlone.delete(id);
    } catch (error) {
      this.#signal.throwIfAborted();
      if (error instanceof FileProblem && error.kind !== 'unreadable') return; // the next look says what it is now
      if (!(error instanceof FileProblem)) await requireServers(this.#deps);
      this.#leave(file, error instanceof FileProblem ? error.message : this.#deps.explain(error).message);
    }
  }

  async #take(file: DroppedFile): Promise<void> {
    const { received } = this.#deps;
    const bytes = await openBytes(this.place.read('incoming', file));
    if (!bytes.isGzip) {
      const sha256 = await readToEnd(bytes.stream).then(bytes.sha256);
      received?.('watch', 'refused');
      await this.#putAway(file, 'incoming', sha256, noArchive());
      return;
    }
    const accepted = await this.#offer(bytes.stream);
    const { requestId, run } = accepted;
    const sha256 = bytes.sha256();
    this.#deps.say({ event: 'taken', known: accepted.known, ...this.#named(file.name, requestId) });
    if (run?.earlier !== undefined) {
      await this.#putAway(file, 'incoming', sha256, knownBefore(run.earlier), requestId);
      return;
    }
    const name = await this.place.freeName('processing', file, sha256);
    const moved = await this.place.move({ file, from: 'incoming', to: 'processing', name, sha256 });
    if (moved === 'moved')
      this.#followed.set(name, { file: { ...file, name }, sha256, requestId, isBlocked: false });
  }

  /** @throws why the run could not be started: the archive is in the inbox then, and the file is offered again */
  async #offer(stream: Acceptable): Promise<Acceptance> {
    const offered = { way: 'watch', orgId: this.orgId, bytes: { stream } } as const;
    const accepted = await acceptPayload(this.#deps, offered, this.#signal);
    if (accepted.run === undefined) throw accepted.notStarted;
    return accepted;
  }

  async #followOne(name: string, followed: Followed): Promise<void> {
    const { file, sha256, requestId } = followed;
    const { client } = this.#deps;
    const handle = client.workflow.getHandle<typeof ingestManifest>(ingestWorkflowId(this.orgId, requestId));
    try {
      const { status, typedSearchAttributes } = await abortable(handle.client, this.#signal, () =>
        handle.describe(),
      );
      if (status.name === 'RUNNING' || status.name === 'PAUSED') {
        const state = typedSearchAttributes.get(searchAttributes.pipelineState) as PipelineState | undefined;
        await this.#tell(name, followed, handle, state);
        return;
      }
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      await this.#offerAgain(name, followed);
      return;
    }
    const ending = await this.#endOf(handle);
    this.#followed.delete(name);
    await this.#putAway(file, 'processing', sha256, ending, requestId);
  }

  /** A file that was moved to `processing/` by hand, or that Temporal has forgotten. */
  async #offerAgain(name: string, followed: Followed): Promise<void> {
    try {
      const bytes = await openBytes(this.place.read('processing', followed.file));
      const { requestId, known } = await this.#offer(bytes.stream);
      followed.requestId = requestId;
      this.#deps.say({ event: 'taken', known, ...this.#named(name, requestId) });
    } catch (error) {
      whenFileProblem(error);
      this.#followed.delete(name); // the next look says what it is now
    }
  }

  async #endOf(handle: WorkflowHandle<typeof ingestManifest>): Promise<Ending> {
    try {
      return endedWith(await resultOf(handle, this.#signal));
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!(error instanceof WorkflowFailedError)) throw error;
      return failedWith(this.#deps.explain(error));
    }
  }

  /** Say when the state of a run has changed. */
  async #tell(
    name: string,
    followed: Followed,
    handle: WorkflowHandle<typeof ingestManifest>,
    state: PipelineState | undefined,
  ): Promise<void> {
    if (state === undefined || state === followed.state) return;
    const about = this.#named(name, followed.requestId);
    followed.state = state;
    followed.isBlocked = state === 'blocked';
    if (state !== 'blocked') {
      this.#deps.say({ event: 'state', state, ...about });
      return;
    }
    // The query needs a worker; without one there is less to say.
    const failures = await this.#deps.client
      .withDeadline(Date.now() + 5_000, () => handle.query(openFailuresQuery))
      .catch(() => []);
    this.#deps.say({ event: 'blocked', failures, ...about });
  }

  /** Put a file away, with a note beside it. The note comes first: a file that is away has one. */
  async #putAway(
    file: DroppedFile,
    from: Box,
    sha256: string,
    ending: Ending,
    requestId?: string,
  ): Promise<void> {
    const to = goodOutcomes.has(ending.outcome) ? 'done' : 'failed';
    const name = await this.place.freeName(to, file, sha256);
    await this.place.writeNote(to, name, `${ending.sentence}\n`);
    const moved = await this.place.move({ file, from, to, name, sha256 });
    if (moved !== 'moved') {
      // Somebody else has put it away, with the same note.
      await this.place.removeNote(to, name);
      return;
    }
    if (to === 'failed') this.problemCount += 1;
    const about = { orgId: this.orgId, file: name, place: this.place.location };
    const workflowId = requestId === undefined ? {} : { workflowId: ingestWorkflowId(this.orgId, requestId) };
    this.#deps.say({ event: 'ended', movedTo: to, ...ending, ...about, ...workflowId });
  }

  /** Say once why a file stays where it is, and try it again later. */
  #leave(file: DroppedFile, problem: string): void {
    const id = idOf(file);
    const earlier = this.#leftAlone.get(id);
    const pauseMs = Math.min((earlier?.pauseMs ?? patienceMs.first / 2) * 2, patienceMs.max);
    this.#leftAlone.set(id, { pauseMs, retryAtMs: performance.now() + pauseMs });
    if (earlier !== undefined) return;
    this.problemCount += 1;
    this.#deps.say({
      event: 'left alone',
      problem,
      orgId: this.orgId,
      file: file.name,
      place: this.place.location,
    });
  }

  /** What was left alone and is not there any more. */
  #forget(files: readonly DroppedFile[]): void {
    const ids = new Set(files.map(idOf));
    for (const id of this.#leftAlone.keys()) if (!ids.has(id)) this.#leftAlone.delete(id);
  }

  #named(file: string, requestId: string): TakenName {
    const workflowId = ingestWorkflowId(this.orgId, requestId);
    return { orgId: this.orgId, file, place: this.place.location, requestId, workflowId };
  }
}

function idOf({ name, version }: DroppedFile): string {
  return `${name}\n${version}`;
}

type Acceptable = Awaited<ReturnType<typeof openBytes>>['stream'];

async function readToEnd(stream: Acceptable): Promise<void> {
  stream.resume();
  await finished(stream);
}

/** A file in `processing/` that somebody moves or changes is looked at again. @throws every other error */
function whenFileProblem(error: unknown): undefined {
  if (!(error instanceof FileProblem)) throw error;
  return undefined;
}
