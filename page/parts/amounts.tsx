import type { ComponentChildren } from 'preact';
import type { Measure } from '../answers.ts';
import type { Decimal } from '../decimal.ts';
import { numberOf } from '../decimal.ts';
import { amount, change, money } from '../format.ts';

/** Money, rounded for people; the element holds the number as the API gives it. */
export function Money({ of, signed = false }: { of: Measure | undefined; signed?: boolean }) {
  if (of === undefined) return <span>–</span>;
  return (
    <data
      value={String(of.value)}
      class={of.value < 0 && Math.abs(of.value) >= 0.005 ? 'negative' : undefined}
    >
      {signed ? change(of.value, of.units) : money(of.value, of.units)}
    </data>
  );
}

/** An exact sum that was made here. */
export function Sum({ of, units, signed = false }: { of: Decimal; units: string; signed?: boolean }) {
  return <Money of={{ value: numberOf(of), units }} signed={signed} />;
}

/** An amount of anything else; the unit is in the heading. */
export function Amount({ of, digits = 1 }: { of: Measure | undefined; digits?: number }) {
  if (of === undefined) return <span>–</span>;
  return <Quantity of={of.value} digits={digits} />;
}

/** The same, of a number or of an exact sum that was made here. */
export function Quantity({ of, digits = 1 }: { of: number | Decimal; digits?: number }) {
  const value = typeof of === 'number' ? of : numberOf(of);
  return <data value={String(value)}>{amount(value, digits)}</data>;
}

/** A whole percentage. */
export function Percent({ of }: { of: number }) {
  return (
    <>
      <Quantity of={of} digits={0} /> %
    </>
  );
}

/** A word behind a name; read aloud, it is one of its own. */
export function Tag({ children }: { children: ComponentChildren }) {
  return (
    <>
      {' '}
      <span class="tag">{children}</span>
    </>
  );
}
