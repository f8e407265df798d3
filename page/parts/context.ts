import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { Api } from '../api.ts';
import type { CallFailed } from '../api.ts';
import type { Status } from '../answers.ts';
import type { Calls } from '../calls.ts';
import type { View } from '../view.ts';

/** What every block works with. */
export interface PageContext {
  api: Api;
  view: View;
  calls: Calls;
  /** undefined until it has been answered, or if it cannot be */
  status: Status | undefined;
  setView: (changes: Partial<View>) => void;
}

export const Context = createContext<PageContext | undefined>(undefined);

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
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<{ path: string; answer?: T; failure?: CallFailed }>();
  useEffect(() => {
    if (path === undefined) return;
    let isCurrent = true;
    api.get<T>(path).then(
      (answer) => isCurrent && setState({ path, answer }),
      (failure: unknown) => {
        api.forget(path);
        if (isCurrent) setState({ path, failure: failure as CallFailed });
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [api, path, attempt]);
  const current = state?.path === path ? state : undefined;
  return {
    answer: current?.answer,
    failure: current?.failure,
    retry: () => {
      setState(undefined);
      setAttempt((count) => count + 1);
    },
  };
}
