import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { Api } from '../api.ts';
import type { CallFailed } from '../api.ts';
import type { Status } from '../answers.ts';
import type { Calls } from '../calls.ts';
import { hidesOthers } from '../model.ts';
import type { View } from '../view.ts';

/** What every block works with. */
export interface PageContext {
  api: Api;
  view: View;
  calls: Calls;
  /** undefined until it has been answered, or if it cannot be */
  status: Status | undefined;
  /** the first blocks have their answers, so that those below are where they stay */
  isGrown: boolean;
  setView: (changes: Partial<View>) => void;
  /** how often calls that failed were asked for again */
  attempts: Readonly<Record<string, number>>;
  /** ask again, for every block that shows the call */
  retry: (path: string) => void;
}

export const Context = createContext<PageContext | undefined>(undefined);

/** Paths of the calls that a part of the page is made of, as far as they were asked for. */
export const Asked = createContext<Set<string> | undefined>(undefined);

export function usePage(): PageContext {
  const context = useContext(Context);
  if (context === undefined) throw new Error('a block outside of the page');
  return context;
}

/** A call as it stands. */
export interface Call<T> {
  answer: T | undefined;
  failure: CallFailed | undefined;
  retry: () => void;
}

/** Ask the API; undefined: not yet. An answer to another address is never shown. */
export function useCall<T>(path: string | undefined): Call<T> {
  const { api } = usePage();
  return useAnswer(path, (asked) => api.get<T>(asked));
}

function useAnswer<T>(path: string | undefined, ask: (path: string) => Promise<T>): Call<T> {
  const { api, attempts, retry } = usePage();
  const part = useContext(Asked);
  if (path !== undefined) part?.add(path);
  const attempt = path === undefined ? 0 : (attempts[path] ?? 0);
  const [state, setState] = useState<{ path: string; attempt: number; answer?: T; failure?: CallFailed }>();
  useEffect(() => {
    if (path === undefined) return;
    let isCurrent = true;
    ask(path).then(
      (answer) => isCurrent && setState({ path, attempt, answer }),
      (failure: unknown) => {
        if (isCurrent) setState({ path, attempt, failure: failure as CallFailed });
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [api, path, attempt]);
  const current = state !== undefined && state.path === path && state.attempt === attempt ? state : undefined;
  return {
    answer: current?.answer,
    failure: current?.failure,
    retry: () => path !== undefined && retry(path),
  };
}

/** Do access lists hide what pools and nodes are shared with? undefined: not known yet. */
export function useHidesOthers(): boolean | undefined {
  const { calls } = usePage();
  const { answer, failure } = useCall<Status>(calls.status);
  return answer === undefined && failure === undefined ? undefined : hidesOthers(answer);
}
