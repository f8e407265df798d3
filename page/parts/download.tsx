import { useState } from 'preact/hooks';
import type { Status } from '../answers.ts';
import { csvOf, inCluster } from '../calls.ts';
import { joined } from '../csv.ts';
import { chosenClusters, clusterValue } from '../model.ts';
import { usePage } from './context.ts';
import type { PageContext } from './context.ts';

/**
 * The CSV of a report: all rows of the whole range, with their clusters. A link cannot carry the token, so it is
 * fetched.
 *
 * @param props.call of the report, as the page makes it
 * @param props.of what the report is about, where a block has several
 */
export function Download({ call, name, of }: { call: string; name: string; of?: string | undefined }) {
  const page = usePage();
  const [message, setMessage] = useState('');
  const text = of === undefined ? 'CSV' : `CSV: ${of}`;
  const file = of === undefined ? name : `${name}-${of.toLowerCase()}`;
  const download = async () => {
    setMessage('');
    try {
      const url = URL.createObjectURL(new Blob([await textOf(call, page)], { type: 'text/csv' }));
      const link = document.createElement('a');
      link.href = url;
      link.download = `${file}.csv`;
      link.click();
      URL.revokeObjectURL(url);
    } catch (error) {
      setMessage((error as Error).message);
    }
  };
  return (
    <span class="download">
      <button type="button" class="quiet" onClick={() => void download()} aria-label={`${text} of ${name}`}>
        {text}
      </button>
      <span role="status">{message}</span>
    </span>
  );
}

async function textOf(report: string, { api, calls, view }: PageContext): Promise<string> {
  const { call, isPerCluster } = csvOf(report);
  if (!isPerCluster) return api.csv(call);
  const status = await api.get<Status>(calls.status);
  const known = chosenClusters(status, view).filter(({ cluster }) => cluster !== null);
  const clusters = [...new Set(known.map((cluster) => clusterValue(cluster, status)))];
  if (clusters.length === 0) return api.csv(call);
  return joined(
    await Promise.all(
      clusters.map(async (cluster) => ({ cluster, text: await api.csv(inCluster(call, cluster)) })),
    ),
  );
}
