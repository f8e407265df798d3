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
  /** which of the blocks are there that show only what there is; none until they have been scrolled to */
  found: readonly string[];
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
  const { answer, ...call } = useCalls<T>(path === undefined ? [] : [path]);
  return { ...call, answer: answer?.[0] };
}

/** Several calls of one kind; there is an answer once all have one. Of no calls there is none. */
export function useCalls<T>(paths: readonly string[]): Call<T[]> {
  const { api, attempts, retry } = usePage();
  const part = useContext(Asked);
  paths.forEach((path) => part?.add(path));
  const key = JSON.stringify(paths.map((path) => [path, attempts[path] ?? 0]));
  const [state, setState] = useState<{ key: string; answer?: T[]; failure?: CallFailed }>();
  useEffect(() => {
    if (paths.length === 0) return;
    let isCurrent = true;
    Promise.all(paths.map((path) => api.get<T>(path))).then(
      (answer) => isCurrent && setState({ key, answer }),
      (failure: unknown) => {
        if (isCurrent) setState({ key, failure: failure as CallFailed });
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [api, key]);
  const current = state?.key === key ? state : undefined;
  return { answer: current?.answer, failure: current?.failure, retry: () => paths.forEach(retry) };
}

/** Do access lists hide what pools and nodes are shared with? undefined: not known yet. */
export function useHidesOthers(): boolean | undefined {
  const { calls } = usePage();
  const { answer, failure } = useCall<Status>(calls.status);
  return answer === undefined && failure === undefined ? undefined : hidesOthers(answer);
}
