import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { SettingsChange } from '../domain/resummarize.ts';
import type { RunProgress } from '../domain/run.ts';

/** Where the run stands: phase, rows, pieces, what it waits for. */
export const progressQuery = defineQuery<RunProgress>('progress');

/** Settings of a source changed while a rebuild because of settings is waiting or running. */
export const settingsChangedSignal = defineSignal<[SettingsChange]>('settingsChanged');
