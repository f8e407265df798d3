import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { OpenFailure, ResolveFailureInput, ResolveFailureResult } from '../domain/run/decision.ts';
import type { SettingsChange } from '../domain/run/resummarize.ts';
import type { RunProgress } from '../domain/run/run.ts';

/** Progress of the run: phase, rows, pieces, what it waits for. */
export const progressQuery = defineQuery<RunProgress>('progress');

/** Settings of a source changed while a rebuild caused by settings is waiting or running. */
export const settingsChangedSignal = defineSignal<[SettingsChange]>('settingsChanged');

/** Steps that gave up and wait for an operator. */
export const openFailuresQuery = defineQuery<OpenFailure[]>('openFailures');

/** An operator's decision about one of them. */
export const resolveFailureUpdate = defineUpdate<ResolveFailureResult, [ResolveFailureInput]>(
  'resolveFailure',
);
