import { defineSearchAttributeKey } from '@temporalio/common';

/** Search attributes of a run, by which operators find it. They must be registered in the namespace before a run starts. */
export const searchAttributes = {
  orgId: defineSearchAttributeKey('OrgId', 'KEYWORD'),
  clusterId: defineSearchAttributeKey('ClusterId', 'KEYWORD'),
  billingMonth: defineSearchAttributeKey('BillingMonth', 'KEYWORD'),
  pipelineState: defineSearchAttributeKey('PipelineState', 'KEYWORD'),
  manifestDate: defineSearchAttributeKey('ManifestDate', 'DATETIME'),
};
