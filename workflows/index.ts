import { withCheckedInput } from './checked-input.ts';
import { ingestManifest as ingestManifestChecked } from './ingest-manifest.ts';
import { purgeExpired as purgeExpiredChecked } from './purge-expired.ts';
import { recalculateCosts as recalculateCostsChecked } from './recalculate-costs.ts';
import { resummarize as resummarizeChecked } from './resummarize.ts';
import { sweepStaging as sweepStagingChecked } from './sweep-staging.ts';
import { watchSettings as watchSettingsChecked } from './watch-settings.ts';

// The workflows that workers offer, under the names with which runs are started.

export const ingestManifest = withCheckedInput('ingestManifest', ingestManifestChecked);
export const purgeExpired = withCheckedInput('purgeExpired', purgeExpiredChecked);
export const recalculateCosts = withCheckedInput('recalculateCosts', recalculateCostsChecked);
export const resummarize = withCheckedInput('resummarize', resummarizeChecked);
export const sweepStaging = withCheckedInput('sweepStaging', sweepStagingChecked);
export const watchSettings = withCheckedInput('watchSettings', watchSettingsChecked);
