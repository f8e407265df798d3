import { useState } from 'preact/hooks';
import { csvOf } from '../calls.ts';
import { usePage } from './context.ts';

/**
 * The CSV of a report: all rows of the whole range, with their clusters. A link cannot carry the token, so it is
 * fetched.
 *
 * @param props.call of the report, as the page makes it
 * @param props.of what the report is about, where a block has several
 */
export function Download({ call, name, of }: { call: string; name: string; of?: string | undefined }) {
  const { api } = usePage();
  const [message, setMessage] = useState('');
  const text = of === undefined ? 'CSV' : `CSV: ${of}`;
  const file = of === undefined ? name : `${name}-${of.toLowerCase()}`;
  const download = async () => {
    setMessage('');
    try {
      const url = URL.createObjectURL(new Blob([await api.csv(csvOf(call))], { type: 'text/csv' }));
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
