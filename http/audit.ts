import type { FastifyRequest } from 'fastify';
import type { PipelineLogger } from '../platform/observability/logging.ts';

/** Facts about a decision; absent ones are not known. */
export interface Decision {
  decision: 'accepted' | 'refused';
  /** what was asked for */
  action: string;
  reason?: string;
  requestId?: string;
  clusterId?: string;
}

/** One line of the audit log for each decision about who may do what; it contains no secret. */
export function audit(log: PipelineLogger, request: FastifyRequest, decision: Decision): void {
  const { principal } = request;
  log[decision.decision === 'accepted' ? 'info' : 'warn'](
    {
      audit: true,
      ...decision,
      ...(principal === null
        ? {}
        : { principal: principal.name, method: principal.method, orgId: principal.orgId }),
      ...(principal?.clusterId === undefined ? {} : { boundClusterId: principal.clusterId }),
      address: request.ip,
    },
    `${decision.action} ${decision.decision}`,
  );
}
