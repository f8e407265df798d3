import { z } from 'zod';
import { secretSetting } from './setting.ts';

/** Settings of the cache of an existing Koku's API. */
export const cacheSettings = {
  CACHE_URL: secretSetting(
    z
      .url({ protocol: /^rediss?$/, error: 'expected redis://user:password@host:port/database, or rediss:' })
      .refine((url) => /^\/\d{1,4}$/.test(new URL(url).pathname), {
        error: "expected the number of a database at its end, for example redis://cache:6379/1 (1 is Koku's)",
        abort: true,
      })
      .optional(),
    "cache of Koku's API (Redis or Valkey), `redis://user:password@host:port/1`: after a run, answers about its tenant " +
      'are deleted there. `rediss:` for TLS. Unset: nothing is deleted',
  ),
};
