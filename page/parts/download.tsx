import { useState } from 'preact/hooks';
import { usePage } from './context.ts';

/** The CSV of a report: all rows of the whole range, with their clusters. A link cannot carry the token, so it is fetched. */
export function Download({ path, name }: { path: string; name: string }) {
  const { api } = usePage();
  const [message, setMessage] = useState('');
  const download = async () => {
    setMessage('');
    try {
      const url = URL.createObjectURL(await api.csv(path));
      const link = document.createElement('a');
      link.href = url;
      link.download = `${name}.csv`;
      link.click();
      URL.revokeObjectURL(url);
    } catch (error) {
      setMessage((error as Error).message);
    }
  };
  return (
    <span class="download">
      <button type="button" class="quiet" onClick={() => void download()} aria-label={`CSV of ${name}`}>
        CSV
      </button>
      <span role="status">{message}</span>
    </span>
  );
}
