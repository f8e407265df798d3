import { useEffect, useRef } from 'preact/hooks';

/** What a reader does who goes elsewhere on their own. */
const gestures = ['wheel', 'touchstart', 'pointerdown', 'keydown', 'input'];
/** How long blocks may take to get their height, ms. */
const holdMs = 15_000;
/** Blocks that are there only once they have been found to have something to show, and what they are in. */
export const late: ReadonlyMap<string, string> = new Map(
  ['vms', 'gpus', 'volumes'].map((id) => [id, 'machines']),
);

/**
 * Go to the anchor of the address once the first blocks are there, and to each that is chosen later. Blocks grow as
 * they load, so it is held in place until the reader does something.
 */
export function useAnchor(ready: boolean): void {
  const isDone = useRef(false);
  useEffect(() => {
    if (!ready || isDone.current) return;
    // Another view keeps the place where the reader is.
    isDone.current = true;
    hold();
    window.addEventListener('hashchange', hold);
  }, [ready]);
  useEffect(() => () => window.removeEventListener('hashchange', hold), []);
}

let release = (): void => undefined;

function hold(): void {
  release();
  const id = location.hash.slice(1);
  if (id === '') return;
  const go = () => {
    const element = document.getElementById(id) ?? document.getElementById(late.get(id) ?? id);
    element?.scrollIntoView();
  };
  const growth = new ResizeObserver(go);
  growth.observe(document.body);
  const ended = new AbortController();
  const timer = setTimeout(() => release(), holdMs);
  release = () => {
    growth.disconnect();
    ended.abort();
    clearTimeout(timer);
  };
  for (const gesture of gestures)
    window.addEventListener(gesture, () => release(), { passive: true, signal: ended.signal });
}
