/** Size of a cluster and how many days of it one payload holds. */
export interface Shape {
  nodeCount: number;
  podCount: number;
  dayCount: number;
  /** label keys of the pods, all told; then every pod has a label set of its own as well. Default: a set per rollout */
  podLabelKeyCount?: number;
  /** the cluster has a cost model (./cost-model.ts); the payload is the same */
  hasCostModel?: true;
}

/** The shapes that figures are published for. */
export const shapes = {
  small: { nodeCount: 10, podCount: 100, dayCount: 1 },
  medium: { nodeCount: 50, podCount: 500, dayCount: 1 },
  large: { nodeCount: 200, podCount: 2_000, dayCount: 1 },
  xl: { nodeCount: 500, podCount: 42_000, dayCount: 1 },
  month: { nodeCount: 50, podCount: 500, dayCount: 30 },
  labels: { nodeCount: 200, podCount: 20_000, dayCount: 1, podLabelKeyCount: 5_000 },
  month_cm: { nodeCount: 50, podCount: 500, dayCount: 30, hasCostModel: true },
  xl_cm: { nodeCount: 500, podCount: 42_000, dayCount: 1, hasCostModel: true },
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof shapes;

export const shapeNames = Object.keys(shapes) as ShapeName[];

/**
 * What the same tenant loads after a shape, measured beside the same payload on empty tables: what one payload brought
 * in must not slow down the later ones.
 */
export const laterShapes: Partial<Record<ShapeName, ShapeName>> = { labels: 'medium' };

/** Days end here and the program's clock stands two days later (`OCP_NOW`), so that results do not age. */
export const lastDay = '2026-10-30';
export const benchNow = '2026-11-01T06:00:00Z';
export const benchMonth = '2026-10';

/**
 * Label keys that the tenant has enabled, as one that charges by team and application has. With them the daily summary
 * keeps nearly as many groups as a GROUP BY of the whole labels; with none it would collapse to node and namespace.
 */
export const enabledTagKeys = ['app', 'cost_center', 'environment', 'storageclass', 'team', 'version'];
