import { useEffect, useMemo, useState } from 'preact/hooks';
import { Api } from './api.ts';
import type { Report, Status } from './answers.ts';
import { ChangesBlock } from './blocks/changes.tsx';
import { CostBlock } from './blocks/cost.tsx';
import { DataBlock } from './blocks/data.tsx';
import { EfficiencyBlock } from './blocks/efficiency.tsx';
import { LabelsBlock } from './blocks/labels.tsx';
import { MachineBlocks } from './blocks/machines.tsx';
import { NodesBlock } from './blocks/nodes.tsx';
import { ProjectsBlock } from './blocks/projects.tsx';
import { SummaryBlock } from './blocks/summary.tsx';
import { UnallocatedBlock } from './blocks/unallocated.tsx';
import { callsOf } from './calls.ts';
import { useAnchor } from './parts/anchor.ts';
import { Context, useCall, usePage } from './parts/context.ts';
import { Controls } from './parts/controls.tsx';
import { Guard } from './parts/guard.tsx';
import { SignIn } from './parts/sign-in.tsx';
import { Messages, NoClusters, NoData, useHasNoData, useNothingYet } from './parts/states.tsx';
import { queryOf, viewOf } from './view.ts';
import type { View } from './view.ts';

/** The page: sign-in, or the view that the address names. */
export function Page() {
  const [signedOut, setSignedOut] = useState(false);
  const api = useMemo(() => new Api(() => setSignedOut(true)), []);
  if (signedOut)
    return (
      <SignIn
        wasRefused={api.hasToken}
        signIn={(token) => {
          api.signIn(token);
          setSignedOut(false);
        }}
      />
    );
  return (
    <Viewed
      api={api}
      signOut={() => {
        api.signOut();
        setSignedOut(true);
      }}
    />
  );
}

function Viewed({ api, signOut }: { api: Api; signOut: () => void }) {
  const [view, setView] = useState(() => viewOf(location.search));
  const [status, setStatus] = useState<Status>();
  const [isGrown, setGrown] = useState(false);
  const [found, setFound] = useState<readonly string[]>([]);
  const [attempts, setAttempts] = useState<Readonly<Record<string, number>>>({});
  const retry = (path: string) => setAttempts((all) => ({ ...all, [path]: (all[path] ?? 0) + 1 }));
  useEffect(() => {
    const back = () => setView(viewOf(location.search));
    window.addEventListener('popstate', back);
    return () => window.removeEventListener('popstate', back);
  }, []);
  const calls = useMemo(() => callsOf(view), [view]);
  const change = (changes: Partial<View>) => {
    const next = { ...view, ...changes };
    history.pushState(null, '', `${location.pathname}${queryOf(next)}${location.hash}`);
    setView(next);
  };
  return (
    <Context.Provider value={{ api, view, calls, status, isGrown, found, setView: change, attempts, retry }}>
      <a class="skip" href="#numbers">
        To the numbers
      </a>
      <Controls signOut={api.hasToken ? signOut : undefined} />
      <main id="numbers">
        <Blocks setStatus={setStatus} setGrown={setGrown} setFound={setFound} />
      </main>
      <footer>
        <p>All days are UTC days. Amounts are rounded to the cent for display; a CSV holds every digit.</p>
      </footer>
    </Context.Provider>
  );
}

interface BlocksProps {
  setStatus: (status: Status) => void;
  setGrown: (isGrown: boolean) => void;
  setFound: (blocks: readonly string[]) => void;
}

function Blocks({ setStatus, setGrown, setFound }: BlocksProps) {
  const { calls } = usePage();
  const projects = useCall<Report>(calls.projects);
  const known = useCall<Status>(calls.status);
  const days = useCall<Report>(calls.costByDay);
  const first = [projects, days, useCall<Report>(calls.compute), useCall<Report>(calls.memory)];
  const isGrown = first.every(({ answer, failure }) => (answer ?? failure) !== undefined);
  useEffect(() => setGrown(isGrown), [isGrown]);
  useEffect(() => {
    if (known.answer !== undefined) setStatus(known.answer);
  }, [known.answer]);
  useAnchor(projects.answer !== undefined);
  const hasNoData = useHasNoData();
  if (useNothingYet()) return <NoClusters />;
  if (hasNoData)
    return (
      <>
        <Guard>
          <Messages />
        </Guard>
        <NoData />
        <Guard block={['data', 'Data']}>
          <DataBlock />
        </Guard>
      </>
    );
  return (
    <>
      <Guard>
        <Messages />
      </Guard>
      <Guard block={['summary', 'Summary']}>
        <SummaryBlock />
      </Guard>
      <Guard block={['cost', 'Cost']}>
        <CostBlock />
      </Guard>
      <Guard block={['projects', 'Projects']}>
        <ProjectsBlock />
      </Guard>
      <Guard block={['changes', 'Changes']}>
        <ChangesBlock />
      </Guard>
      <Guard block={['labels', 'Labels']}>
        <LabelsBlock />
      </Guard>
      <Guard block={['efficiency', 'Efficiency']}>
        <EfficiencyBlock />
      </Guard>
      <Guard block={['nodes', 'Nodes']}>
        <NodesBlock />
      </Guard>
      <Guard block={['unallocated', 'Unallocated']}>
        <UnallocatedBlock />
      </Guard>
      <Guard block={['machines', 'Machines, GPUs and volumes']}>
        <MachineBlocks setFound={setFound} />
      </Guard>
      <Guard block={['data', 'Data']}>
        <DataBlock />
      </Guard>
    </>
  );
}
