// What a person does in the Temporal UI, by the words on its buttons. Written against UI 2.42.

import { join } from 'node:path';

const namespace = 'default';

/** The left bar with icons is no part of a picture. */
const sideBarWidth = 64;

export class TemporalUi {
  #page;
  #base;
  #directory;

  constructor(page, uiUrl, directory) {
    this.#page = page;
    this.#base = `${uiUrl}/namespaces/${namespace}`;
    this.#directory = directory;
    page.setDefaultTimeout(20_000);
  }

  async openRuns(query) {
    await this.#page.goto(`${this.#base}/workflows?query=${encodeURIComponent(query)}`);
    await this.#runs().first().waitFor();
  }

  /** Open the first run that fits, at one of its tabs. @returns its workflow id */
  async openRun(query, tab) {
    await this.openRuns(query);
    const run = this.#runs().first();
    const path = await run.getAttribute('href');
    const workflowId = await run.innerText();
    await this.#page.goto(new URL(path.replace(/\/history$/, `/${tab}`), this.#base).href);
    await this.#page.getByRole('button', { name: 'More Actions' }).waitFor();
    return workflowId;
  }

  #runs() {
    return this.#page.locator('main a[href*="/workflows/manifest"], #content a[href*="/workflows/manifest"]');
  }

  async shows(text) {
    await this.#page.getByText(text).first().waitFor();
  }

  /** Text of "Current Details", which is shown in a frame of its own. */
  async detailLike(pattern) {
    return this.#page.frameLocator('iframe').last().getByText(pattern).first().innerText();
  }

  async press(name) {
    await this.#page.getByRole('button', { name, exact: true }).first().click();
  }

  /** An entry of "More Actions". */
  async choose(name) {
    await this.press('More Actions');
    await this.#page.getByRole('menuitem', { name }).click();
  }

  #dialog() {
    return this.#page.locator('dialog:visible, [role=dialog]:visible').last();
  }

  async fillUpdate(name, argument) {
    const dialog = this.#dialog();
    await dialog.getByTestId('update-select-button').click();
    await dialog.getByRole('option', { name }).click();
    await dialog
      .getByRole('textbox')
      .last()
      .fill(JSON.stringify(argument, null, 2));
  }

  async fillReset(eventId, reason) {
    const dialog = this.#dialog();
    await dialog.getByTestId('workflow-reset-event-id-select-button').click();
    await dialog.getByRole('option', { name: `${eventId} - ` }).click();
    await dialog.getByText('Exclude Signals').click();
    await dialog.getByText('Exclude Updates').click();
    await dialog.getByRole('textbox').last().fill(reason);
  }

  async submitDialog(name) {
    const dialog = this.#dialog();
    await dialog.getByRole('button', { name, exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  /**
   * In the event table, newest first, the workflow task that decided to schedule an activity.
   * @returns its event number
   */
  async workflowTaskBefore(activity) {
    const scheduled = this.#events(/Activity Task Scheduled/)
      .filter({ hasText: activity })
      .first();
    await scheduled.evaluate((element) => element.scrollIntoView({ block: 'center' }));
    const from = Number.parseInt(await scheduled.innerText(), 10);
    // Other events have a detail "Workflow Task Completed Event ID".
    for (const task of await this.#events(/Workflow Task Completed(?!\s*Event ID)/).all()) {
      const number = Number.parseInt(await task.innerText(), 10);
      if (number < from) return number;
    }
    throw new Error(`no workflow task before ${activity}`);
  }

  #events(type) {
    return this.#page.getByTestId('event-summary-row').filter({ hasText: type });
  }

  /** A picture of the event table from one event down to another; the table shows the newest first. */
  async pictureOfEvents(name, newest, oldest) {
    const place = async (number) =>
      this.#page
        .getByTestId('event-summary-row')
        .filter({ has: this.#page.getByText(String(number), { exact: true }) })
        .first()
        .boundingBox();
    const [top, bottom] = [await place(newest), await place(oldest)];
    await this.#page.screenshot({
      path: join(this.#directory, `${name}.png`),
      clip: { x: top.x, y: top.y, width: top.width, height: bottom.y + bottom.height - top.y },
      animations: 'disabled',
    });
  }

  async openSchedules() {
    await this.#page.goto(`${this.#base}/schedules`);
    await this.shows('purge-expired');
  }

  async openSchedule(id) {
    await this.#page.goto(`${this.#base}/schedules/${id}`);
    await this.shows('Upcoming Runs');
  }

  async openScheduleMenu() {
    await this.#page.locator('button:has-text("Pause") + *').first().click();
    await this.#page.getByRole('menuitem', { name: 'Trigger' }).waitFor();
  }

  async trigger() {
    await this.openScheduleMenu();
    await this.#page.getByRole('menuitem', { name: 'Trigger' }).click();
    await this.submitDialog('Trigger');
  }

  /** A picture of the page's upper part, or of what is below the line that begins with a text. */
  async picture(name, { from, width = 1216, height }) {
    let y = 0;
    if (from !== undefined) {
      const start = this.#page.getByText(from, { exact: true }).first();
      await start.evaluate((element) => element.scrollIntoView({ block: 'start' }));
      y = Math.max(0, ((await start.boundingBox())?.y ?? 0) - 16);
    }
    await this.#page.screenshot({
      path: join(this.#directory, `${name}.png`),
      clip: { x: sideBarWidth, y, width, height },
      animations: 'disabled',
    });
  }

  async pictureOfDialog(name) {
    await this.#dialog().screenshot({
      path: join(this.#directory, `${name}.png`),
      animations: 'disabled',
    });
  }
}
