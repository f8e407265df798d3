const height = 14;

/** A bar in a cell of a table, which has the number beside it. Negative values go to the left of the line. */
export function Bar({ value, min = 0, max }: { value: number; min?: number; max: number }) {
  const [low, high] = [Math.min(min, 0), Math.max(max, 0)];
  const at = (number: number) => ((number - low) / (high - low || 1)) * 100;
  const [from, to] = [at(Math.min(value, 0)), at(Math.max(value, 0))];
  return (
    <svg
      class="bar"
      aria-hidden="true"
      viewBox={`0 0 100 ${height}`}
      preserveAspectRatio="none"
      height={height}
    >
      <rect
        class={value < 0 ? 'down' : 'up'}
        x={from}
        width={Math.max(to - from, value === 0 ? 0 : 0.6)}
        y="2"
        height={height - 4}
      />
      {low < 0 && <rect class="zero-line" x={at(0) - 0.2} width="0.5" y="0" height={height} />}
    </svg>
  );
}

/** Two bars, one above the other: what was used, and what was requested. */
export function BarPair({ used, requested, max }: { used: number; requested: number; max: number }) {
  const width = (value: number) => (max <= 0 ? 0 : (value / max) * 100);
  return (
    <svg
      class="bar"
      aria-hidden="true"
      viewBox={`0 0 100 ${height}`}
      preserveAspectRatio="none"
      height={height}
    >
      <rect class="up" x="0" width={width(used)} y="0" height="6" />
      <rect class="asked" x="0" width={width(requested)} y="8" height="6" />
    </svg>
  );
}

/** A node: its capacity as the whole bar, what was requested and used inside it. */
export function NodeBar({
  used,
  requested,
  capacity,
  max,
}: Record<'used' | 'requested' | 'capacity' | 'max', number>) {
  const width = (value: number) => (max <= 0 ? 0 : Math.min(value / max, 1) * 100);
  return (
    <svg class="bar" aria-hidden="true" viewBox="0 0 100 18" preserveAspectRatio="none" height="18">
      <rect class="whole" x="0" width={width(capacity)} y="1" height="16" />
      <rect class="asked" x="0" width={width(requested)} y="4" height="10" />
      <rect class="up" x="0" width={width(used)} y="7" height="4" />
    </svg>
  );
}

/** One step of a waterfall, from one sum to the next. */
export function Step({
  from,
  to,
  min,
  max,
  kind,
}: {
  from: number;
  to: number;
  min: number;
  max: number;
  kind: string;
}) {
  const [low, high] = [Math.min(min, 0), Math.max(max, 0)];
  const at = (number: number) => ((number - low) / (high - low || 1)) * 100;
  const [left, right] = [at(Math.min(from, to)), at(Math.max(from, to))];
  return (
    <svg class="bar" aria-hidden="true" viewBox="0 0 100 16" preserveAspectRatio="none" height="16">
      <rect class={kind} x={left} width={Math.max(right - left, from === to ? 0 : 0.6)} y="1" height="14" />
      {low < 0 && <rect class="zero-line" x={at(0) - 0.2} width="0.5" y="0" height="16" />}
    </svg>
  );
}
