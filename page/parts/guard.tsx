import { Component } from 'preact';
import type { ComponentChildren } from 'preact';
import { useContext, useRef } from 'preact/hooks';
import { Asked, usePage } from './context.ts';

interface GuardProps {
  /** anchor and title of the block, where nothing around says what it is */
  block?: readonly [id: string, title: string] | undefined;
  children: ComponentChildren;
}

/**
 * What cannot be shown does not take the rest of the page with it: it says so, and offers to ask again for all that it
 * is made of.
 */
export function Guard({ block, children }: GuardProps) {
  const { api, retry: again } = usePage();
  const outer = useContext(Asked);
  const own = useRef(new Set<string>());
  const asked = outer ?? own.current;
  const retry = () => {
    for (const path of asked) {
      api.forget(path);
      again(path);
    }
  };
  const requestsOf = () => [...asked].flatMap((path) => api.requestOf(path) ?? []);
  return (
    <Asked.Provider value={asked}>
      <Boundary block={block} requestsOf={requestsOf} retry={retry}>
        {children}
      </Boundary>
    </Asked.Provider>
  );
}

interface BoundaryProps extends GuardProps {
  /** of all calls that were answered */
  requestsOf: () => readonly string[];
  retry: () => void;
}

class Boundary extends Component<BoundaryProps, { failure: unknown }> {
  override state: { failure: unknown } = { failure: undefined };

  static override getDerivedStateFromError(failure: unknown) {
    return { failure };
  }

  override componentDidCatch(failure: unknown) {
    console.error(failure);
  }

  override render({ block, requestsOf, retry, children }: BoundaryProps) {
    if (this.state.failure === undefined) return <>{children}</>;
    const requests = requestsOf();
    const again = () => {
      this.setState({ failure: undefined });
      retry();
    };
    const notice = (
      <div class="notice bad" role="alert">
        <p>
          <strong>This part could not be shown.</strong> What the server answered cannot be read. The other
          parts are not affected.
        </p>
        {requests.length > 0 && (
          <p class="small">
            Requests <code>{requests.join(', ')}</code>: the log of the server has them.
          </p>
        )}
        <button type="button" onClick={again}>
          Try again
        </button>
      </div>
    );
    if (block === undefined) return notice;
    const [id, title] = block;
    return (
      <section id={id} class="block" aria-labelledby={`${id}-title`}>
        <h2 id={`${id}-title`}>{title}</h2>
        {notice}
      </section>
    );
  }
}
