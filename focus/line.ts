/** What a line charges: see docs/focus.md. */
export const layers = ['rate', 'cloud', 'markup', 'distribution'] as const;
export type Layer = (typeof layers)[number];

/** One line of `sql/focus/lines.sql`; numbers are text with all their digits. */
export interface Line {
  layer: Layer | 'residue';
  cost: string;
  currency: string;
  cluster_id: string;
  cluster_alias: string | null;
  project: string | null;
  node: string | null;
  data_source: string | null;
  node_resource_id: string | null;
  persistent_volume: string | null;
  storage_class: string | null;
  resource_id: string | null;
  resource_name: string | null;
  resource_type: string | null;
  rate_type: string | null;
  monthly_cost_type: string | null;
  /** cpu, memory, volume or gpu; null where the line is not of a rate */
  cost_column: string | null;
  metric: string | null;
  sku_id: string | null;
  sku_price_id: string | null;
  price_list_id: string | null;
  price_list_version: number | null;
  rate_name: string | null;
  quantity: string | null;
  unit_price: string | null;
  /** a flat JSON object with sorted keys */
  tags: string | null;
  cost_category: string | null;
}

/** What all lines of a source and day have. */
export interface LineContext {
  orgId: string;
  sourceUuid: string;
  /** `YYYY-MM-DD` */
  day: string;
  nextDay: string;
  /** first of the month, first of the next */
  monthStart: string;
  monthEnd: string;
  provider: string;
  issuer: string;
  host: string;
  /** chargeback: the cost is billed; showback: nothing is, the cost is shown */
  billed: 'chargeback' | 'showback';
  /** percent of the cost model, for descriptions; undefined: none */
  markupPercent: string | undefined;
}
