/** A CSV of the read API of one cluster, and what the cluster is called by in a filter: its id, as a rule. */
export interface ClusterCsv {
  cluster: string;
  text: string;
}

/**
 * One CSV of those of several clusters, in the form of the read API: columns sorted by name, the newest day first.
 * `cluster` and `clusters.0` are id and alias, as in a report that is grouped by cluster.
 */
export function joined(parts: readonly ClusterCsv[]): string {
  const rows = parts.flatMap(({ cluster, text }) => {
    const [header = [], ...lines] = cellsOf(text);
    return lines.map((cells) => {
      const row = new Map(header.map((column, index) => [column, cells[index] ?? '']));
      // Machines have their alias as cluster.
      const alias = row.get('clusters.0') ?? row.get('cluster') ?? '';
      return row.set('cluster', plain(cluster)).set('clusters.0', alias);
    });
  });
  const dayOf = (row: Map<string, string>) => row.get('date') ?? '';
  rows.sort((a, b) => Number(dayOf(b) > dayOf(a)) - Number(dayOf(b) < dayOf(a)));
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))].sort();
  const lines = [columns, ...rows.map((row) => columns.map((column) => row.get(column) ?? ''))];
  return lines.map((cells) => `${cells.map(quoted).join(',')}\r\n`).join('');
}

/** No formula for a spreadsheet; cells of the API are none. */
function plain(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The cells of a CSV as the read API writes it. */
export function cellsOf(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ',') continue;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}
