// Measures the benchmark `medium` and compares the whole run with a plain COPY and GROUP BY of the same rows on the
// same server, so that the speed of the machine counts on both sides. The least of the runs counts: a busy machine only
// adds. More than twice the published ratio fails. Ends with the closing line of a test run, which .ci/sum.mjs counts.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const shape = 'medium';
const maxTimesPublished = 2;
const runs = 3;

const published = JSON.parse(
  readFileSync(new URL('../bench/results/published.json', import.meta.url), 'utf8'),
);
const limit = maxTimesPublished * published.shapes[shape].median.totalRatio;
const output = execFileSync(
  'npm',
  ['run', '--silent', 'bench', '--', shape, '--runs', String(runs), '--json'],
  {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
const measured = JSON.parse(output.slice(output.indexOf('{')));
const ratios = measured.shapes[shape].runs.map(({ figures }) => figures.totalRatio);
const found = Math.min(...ratios);
const isGood = ratios.length === runs && found <= limit;
console.log(
  `${shape}: whole run / plain COPY and GROUP BY ${found.toFixed(1)}, expected at most ${limit.toFixed(1)} ` +
    `(${maxTimesPublished} × the published ${published.shapes[shape].median.totalRatio.toFixed(1)}); ` +
    `all runs: ${ratios.map((ratio) => ratio.toFixed(1)).join(', ')}`,
);
console.log(` Test Files  ${isGood ? '1 passed' : '1 failed'} (1)`);
console.log(`      Tests  ${isGood ? '1 passed' : '1 failed'} (1)`);
process.exitCode = isGood ? 0 : 1;
