/** Which way a payload comes in: `ingest`, `serve`, `listen` or `watch`. */
export const payloadWays = ['command', 'upload', 'kafka', 'watch'] as const;
export type PayloadWay = (typeof payloadWays)[number];

/**
 * How an offered payload ended. `known`: it was in the inbox before; `refused`: the sender is at fault; `failed`: a
 * server or the connection is, and nothing was kept.
 */
export const intakeOutcomes = ['accepted', 'known', 'refused', 'failed'] as const;
export type IntakeOutcome = (typeof intakeOutcomes)[number];
