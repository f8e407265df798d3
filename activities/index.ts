import { log } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Worked, WorkSpan } from '../domain/run/work.ts';
import { announceSteps, recordStepError } from '../platform/observability/metrics.ts';
import { abandonFiles } from './abandon-files.ts';
import { aggregateDays } from './aggregate-days.ts';
import { applyCostModel } from './apply-cost-model.ts';
import { answerAnnouncement } from './answer-announcement.ts';
import { applyTagMapping } from './apply-tag-mapping.ts';
import { checkCloudInfrastructure } from './check-cloud-infrastructure.ts';
import { compareEngines } from './compare-engines.ts';
import { completeManifest } from './complete-manifest.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { downloadPayload } from './download-payload.ts';
import { ensurePartitions } from './ensure-partitions.ts';
import {
  abortedAttempt,
  statementFailure,
  toApplicationFailure,
} from '../platform/temporal/activity-failure.ts';
import { forwardRosFiles } from './forward-ros-files.ts';
import { listTenants } from './list-tenants.ts';
import { loadReportDay } from './load-report-day.ts';
import { pendingPieces } from './pending-pieces.ts';
import { purgeTenant } from './purge-expired.ts';
import { recordCleanUp } from './record-clean-up.ts';
import { recordCompletion } from './record-completion.ts';
import { recordFailure } from './record-failure.ts';
import { removeTemporaryObjects } from './remove-temporary-objects.ts';
import { requestResummarize, tenantBatches } from './request-resummarize.ts';
import { skipFiles } from './skip-files.ts';
import { splitPayload } from './split-payload.ts';
import { sweepTenant } from './sweep-staging.ts';
import { validateDays } from './validate-days.ts';

export type { ActivityDependencies } from '../platform/runtime/dependencies.ts';

/** The activities of the pipeline, bound to the servers they work with. */
export type Activities = ReturnType<typeof createActivities>;

/** Objects get the duration of the work; other results stay as they are. */
type WithWork<Result> = Result extends readonly unknown[]
  ? Result
  : Result extends object
    ? Result & Worked
    : Result;

function withWork<Result>(result: Result, worked: WorkSpan): WithWork<Result> {
  const isObject = typeof result === 'object' && result !== null && !Array.isArray(result);
  return (isObject ? { ...result, worked } : result) as WithWork<Result>;
}

/**
 * Bind every activity to its dependencies, measure its work, and translate the errors that it throws. This is the one
 * place.
 */
export function createActivities(deps: ActivityDependencies) {
  const bind =
    <Input, Result>(activity: (deps: ActivityDependencies, input: Input) => Promise<Result>) =>
    async (input: Input): Promise<WithWork<Result>> => {
      // eslint-disable-next-line no-restricted-syntax -- an interval, of no date
      const [from, startedAt] = [Date.now(), performance.now()];
      try {
        const result = await activity(deps, input);
        // Setting the system clock meanwhile must not change the measured duration.
        return withWork(result, [from, Math.round(from + performance.now() - startedAt)]);
      } catch (error) {
        const aborted = abortedAttempt();
        const statement = aborted === undefined ? statementFailure(error) : undefined;
        if (statement !== undefined) log.warn('statement failed', statement);
        const failure = aborted ?? toApplicationFailure(error);
        if (failure instanceof ApplicationFailure) recordStepError(activity.name, failure.type);
        throw failure;
      }
    };
  const activities = {
    downloadPayload: bind(downloadPayload),
    splitPayload: bind(splitPayload),
    ensurePartitions: bind(ensurePartitions),
    pendingPieces: bind(pendingPieces),
    loadReportDay: bind(loadReportDay),
    completeManifest: bind(completeManifest),
    aggregateDays: bind(aggregateDays),
    applyTagMapping: bind(applyTagMapping),
    checkCloudInfrastructure: bind(checkCloudInfrastructure),
    applyCostModel: bind(applyCostModel),
    // Under the name that runs know which began before costs were a step.
    refreshUiSummaries: bind(applyCostModel),
    validateDays: bind(validateDays),
    compareEngines: bind(compareEngines),
    recordCompletion: bind(recordCompletion),
    recordFailure: bind(recordFailure),
    answerAnnouncement: bind(answerAnnouncement),
    forwardRosFiles: bind(forwardRosFiles),
    skipFiles: bind(skipFiles),
    abandonFiles: bind(abandonFiles),
    requestResummarize: bind(requestResummarize),
    tenantBatches: bind(tenantBatches),
    listTenants: bind(listTenants),
    sweepTenant: bind(sweepTenant),
    removeTemporaryObjects: bind(removeTemporaryObjects),
    purgeTenant: bind(purgeTenant),
    recordCleanUp: bind(recordCleanUp),
  };
  announceSteps(Object.keys(activities));
  return activities;
}
