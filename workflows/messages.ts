import { defineQuery } from '@temporalio/workflow';
import type { RunProgress } from '../domain/run.ts';

/** Where the run stands: phase, rows, pieces, what it waits for. */
export const progressQuery = defineQuery<RunProgress>('progress');
