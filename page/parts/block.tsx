import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { usePage } from './context.ts';
import type { Call } from './context.ts';
import { Download } from './download.tsx';
import { Guard } from './guard.tsx';
import { NotConverted } from './unconverted.tsx';

interface BlockProps {
  id: string;
  title: string;
  question: string;
  /** the report that the block shows, for its CSV; several by what they are about */
  csv?: string | Readonly<Record<string, string>> | undefined;
  children: ComponentChildren;
}

/** A part of the page with an anchor of its own. */
export function Block({ id, title, question, csv, children }: BlockProps) {
  return (
    <section id={id} class="block" aria-labelledby={`${id}-title`}>
      <header class="block-head">
        <div>
          <h2 id={`${id}-title`}>
            <a href={`#${id}`}>{title}</a>
          </h2>
          <p class="question">{question}</p>
        </div>
        {id !== 'data' && id !== 'summary' && <NotConverted />}
        <div class="downloads">
          {typeof csv === 'string' && <Download call={csv} name={id} />}
          {typeof csv === 'object' &&
            Object.entries(csv).map(([of, call]) => <Download key={of} call={call} name={id} of={of} />)}
        </div>
      </header>
      <Guard>{children}</Guard>
    </section>
  );
}

/**
 * Has the element come near the window, or is the page printed? It stays so. While the first blocks load, everything is
 * near, so that nothing else is asked for before they have the height that they need.
 *
 * @param margin how near, px; negative: how far inside
 */
export function useSeen(margin = 300) {
  const { isGrown } = usePage();
  const ref = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null || seen) return;
    const see = () => setSeen(true);
    window.addEventListener('beforeprint', see);
    if (!isGrown) return () => window.removeEventListener('beforeprint', see);
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) see();
      },
      { rootMargin: `${margin}px` },
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      window.removeEventListener('beforeprint', see);
    };
  }, [seen, isGrown]);
  return { ref, seen };
}

/** What is shown of calls: their answers once all are there, else that they are loading, or why one failed. */
export function Answers<T extends unknown[]>({
  calls,
  children,
}: {
  calls: { [K in keyof T]: Call<T[K]> };
  children: (...answers: T) => ComponentChildren;
}) {
  const list = calls as Call<unknown>[];
  const failed = list.find(({ failure }) => failure !== undefined);
  if (failed?.failure !== undefined) {
    const { message, requestId } = failed.failure;
    return (
      <div class="notice bad" role="alert">
        <p>
          <strong>This part could not be loaded.</strong> {message} The other parts are not affected.
        </p>
        {requestId !== undefined && (
          <p class="small">
            Request <code>{requestId}</code>: the log of the server has it.
          </p>
        )}
        <button
          type="button"
          onClick={() => list.filter(({ failure }) => failure).forEach(({ retry }) => retry())}
        >
          Try again
        </button>
      </div>
    );
  }
  if (list.some(({ answer }) => answer === undefined)) return <Loading />;
  return <>{children(...(list.map(({ answer }) => answer) as T))}</>;
}

/** In place of what is not there yet, or waits until it is scrolled to. */
export function Loading({ of }: { of?: string }) {
  return (
    <p class={of === undefined ? 'loading' : 'loading slim'} role="status">
      Loading {of} …
    </p>
  );
}

/** A sentence about a state, with its next step. */
export function Notice({
  kind = 'plain',
  children,
}: {
  kind?: 'plain' | 'warn';
  children: ComponentChildren;
}) {
  return <div class={`notice ${kind}`}>{children}</div>;
}
