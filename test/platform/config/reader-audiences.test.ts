import { expect, test } from 'vitest';
import { loadConfig } from '../../../platform/config/config.ts';

test('an audience is either that of senders or that of readers', () => {
  const refused = (environment: Record<string, string>) => () => loadConfig(environment);
  expect(refused({ OIDC_AUDIENCES: 'clusters,both', OIDC_READ_AUDIENCES: 'both,people' })).toThrow(
    'OIDC_READ_AUDIENCES: expected other audiences than OIDC_AUDIENCES has, because tokens of senders read nothing; ' +
      'found "both" in both',
  );
  // The default of OIDC_AUDIENCES counts, too.
  expect(refused({ OIDC_READ_AUDIENCES: 'cost-management-ui' })).toThrow(
    'found "cost-management-ui" in both',
  );
});

test('who moves an audience from senders to readers may', () => {
  const config = loadConfig({
    OIDC_AUDIENCES: 'cost-management-operator',
    OIDC_READ_AUDIENCES: 'cost-management-ui',
  });
  expect(config.OIDC_READ_AUDIENCES).toEqual(['cost-management-ui']);
});
