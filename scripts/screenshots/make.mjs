// Makes the pictures of docs/operations.md: npm run screenshots
//
// Walks the Temporal UI the way the page tells its reader to, against servers of its own, and checks after every step
// that the run did what the page says. Needs Chromium (CHROMIUM names it, else /usr/bin/chromium).

import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { makeRuns, startStack, until } from './stack.mjs';
import { TemporalUi } from './temporal-ui.mjs';

const data = fileURLToPath(new URL('../../.data/screenshots', import.meta.url));
const images = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const say = (line) => console.error(line);

/** Chromium looks for its maker's servers unless it is told not to; as root it has no sandbox. */
const chromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// What an interrupted run left behind would bring its own runs into the pictures.
await rm(data, { recursive: true, force: true });
const stack = await startStack(data, say);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: chromiumArguments,
});
try {
  await mkdir(images, { recursive: true });
  say('making runs in every state');
  await makeRuns(stack);
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 }, colorScheme: 'light' });
  const ui = new TemporalUi(page, stack.uiUrl, images);
  await look(ui);
  await stack.grant();
  await decide(ui);
  await replayFailed(ui);
  await schedules(ui);
  say(`pictures are in ${images}`);
} finally {
  await browser.close();
  await stack.stop();
}

/** Find what stands still, and why. */
async function look(ui) {
  await ui.openRuns(`PipelineState = "blocked"`);
  await ui.picture('runs-blocked', { height: 330 });
  await ui.openRun(`PipelineState = "blocked"`, 'user-metadata');
  await ui.detailLike('Waiting for a decision');
  await ui.picture('run-details', { from: 'Call Stack', height: 490 });
  await ui.openRun(`PipelineState = "aggregating"`, 'pending-activities');
  await ui.shows('permission denied');
  await ui.picture('pending-activity', { from: 'Call Stack', height: 330 });
}

/** The reason is mended: decide about the blocked run. */
async function decide(ui) {
  await ui.openRun(`PipelineState = "blocked"`, 'user-metadata');
  const failureId = await ui.detailLike(/^aggregateDays:2026-10:\d+$/);
  await ui.choose('Send an Update');
  await ui.fillUpdate('resolveFailure', { failureId, action: 'retry', note: 'insert granted again' });
  await ui.pictureOfDialog('resolve-failure');
  await ui.submitDialog('Submit');
  // The run that was trying again has healed by itself.
  await until(stack, `PipelineState = 'completed'`, 3);
}

/** Nobody decided about two runs in time: one is reset, one is started again. */
async function replayFailed(ui) {
  const failed = `PipelineState = "failed"`;
  const first = await ui.openRun(failed, 'history');
  const eventId = await ui.workflowTaskBefore('aggregateDays');
  // Scheduled, started and failed, and what comes before it.
  await ui.pictureOfEvents('reset-event', eventId + 5, eventId - 2);
  await ui.press('Reset');
  await ui.fillReset(eventId, 'insert granted again');
  await ui.pictureOfDialog('reset');
  await ui.submitDialog('Confirm');
  await until(stack, `PipelineState = 'completed'`, 4);
  // The reset one stays in the list as it ended; its new run has the same workflow id.
  await ui.openRun(`${failed} AND WorkflowId != "${first}"`, 'history');
  await ui.choose('Start Workflow Like This One');
  await ui.shows('Task Queue is Active');
  await ui.picture('start-like-this-one', { width: 930, height: 900 });
  await ui.press('Start Workflow');
  await until(stack, `PipelineState = 'completed'`, 5);
}

async function schedules(ui) {
  await ui.openSchedules();
  await ui.picture('schedules', { height: 690 });
  await ui.openSchedule('sweep-staging');
  await ui.trigger();
  await until(stack, `WorkflowType = 'sweepStaging' AND ExecutionStatus = 'Completed'`, 1);
  await ui.openSchedule('sweep-staging');
  await ui.shows('Completed');
  await ui.openScheduleMenu();
  await ui.picture('schedule-trigger', { height: 520 });
}
