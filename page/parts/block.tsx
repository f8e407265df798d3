import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Call } from './context.ts';
import { Download } from './download.tsx';

interface BlockProps {
  id: string;
  title: string;
  question: string;
  /** address of a report that the block shows, for its CSV */
  csv?: string | undefined;
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
        {csv !== undefined && <Download path={csv} name={id} />}
      </header>
      {children}
    </section>
  );
}

/** Has the element come near the window, or is the page printed? It stays so. */
export function useSeen() {
  const ref = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null || seen) return;
    const see = () => setSeen(true);
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) see();
      },
      { rootMargin: '300px' },
    );
    observer.observe(element);
    window.addEventListener('beforeprint', see);
    return () => {
      observer.disconnect();
      window.removeEventListener('beforeprint', see);
    };
  }, [seen]);
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
  if (list.some(({ answer }) => answer === undefined))
    return (
      <p class="loading" role="status">
        Loading …
      </p>
    );
  return <>{children(...(list.map(({ answer }) => answer) as T))}</>;
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
