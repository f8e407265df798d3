import { priorityKeys } from '../domain/priority.ts';
import { defaultRunOptions } from '../domain/run.ts';
import type { WatchSettingsInput, WatchSettingsResult } from '../domain/watch-settings.ts';
import { bindActivities } from './activity-options.ts';

/**
 * Find sources whose settings (enabled keys, tag mappings, cost categories, name, rules) differ from what the current month
 * was summarised with, and have each rebuilt once the settings have been left alone for a while. Run by a schedule,
 * because Koku's own API may change them too.
 */
export async function watchSettings(input: WatchSettingsInput): Promise<WatchSettingsResult> {
  const activities = bindActivities(
    { ...defaultRunOptions, ...input.options },
    { orgId: 'settings', key: priorityKeys.monthUnknown },
  );
  return activities.short.requestResummarize(input);
}
