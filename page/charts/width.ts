import { useEffect, useRef, useState } from 'preact/hooks';

/** The width of an element, px; charts are drawn as wide as there is room, so that their text keeps its size. */
export function useWidth(initial = 640) {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(initial);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(Math.max(element.clientWidth, 240)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { ref, width };
}

/** A scale from values to px that always includes 0, with round marks. */
export interface Scale {
  at: (value: number) => number;
  ticks: number[];
}

export function scaleOf(min: number, max: number, from: number, to: number): Scale {
  const low = Math.min(min, 0);
  const high = Math.max(max, 0, low + 1e-9);
  const step = roundStep((high - low) / 4);
  const [start, end] = [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
  const ticks = Array.from(
    { length: Math.round((end - start) / step) + 1 },
    (_, index) => start + index * step,
  );
  return { at: (value) => from + ((value - start) / (end - start || 1)) * (to - from), ticks };
}

function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const found = [1, 2, 2.5, 5, 10].find((step) => step * power >= rough) ?? 10;
  return found * power;
}
