import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { cellsOf } from '../../page/csv.ts';

/** Click on the button of a CSV. @returns what is in the file, and what it is called */
export async function download(page: Page, button: string): Promise<{ text: string; fileName: string }> {
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: button, exact: true }).click();
  const file = await waiting;
  return { text: await readFile(await file.path(), 'utf8'), fileName: file.suggestedFilename() };
}

/** The rows of a CSV by the names of their columns. */
export function recordsOf(text: string): Record<string, string>[] {
  const [header = [], ...rows] = cellsOf(text);
  return rows.map((cells) => Object.fromEntries(header.map((name, index) => [name, cells[index] ?? ''])));
}
