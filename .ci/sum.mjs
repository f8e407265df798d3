// Adds up the closing lines of the test runs. A run without one, a skipped test or a failed step makes the sum fail.
// Failures are repeated at the end, because often only the end of a long log is kept.
import { readFileSync } from 'node:fs';

const [failedSteps, ...logs] = process.argv.slice(2);
let passed = 0;
let failed = 0;
/** Maximum number of lines repeated per run. */
const maxRepeatedLines = 120;
const problems = failedSteps === '' ? [] : [`failed steps: ${failedSteps}`];

for (const path of logs) {
  const text = readFileSync(path, 'utf8').replaceAll(/\u001B\[[0-9;]*m/g, '');
  const closing = [...text.matchAll(/^\s*Tests\s+(.*)$/gm)].map((match) => match[1]);
  for (const [failures] of text.matchAll(/^.*Failed (?:Tests|Suites) \d+[^]*?(?=^\s*Test Files\s)/gm))
    console.log(failures.split('\n').slice(0, maxRepeatedLines).join('\n'));
  if (closing.length === 0) problems.push(`${path}: no test ran`);
  for (const line of closing) {
    const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
    passed += count('passed');
    failed += count('failed');
    if (count('skipped') + count('todo') > 0) problems.push(`${path}: skipped tests: ${line}`);
  }
}
for (const problem of problems) console.log(problem);
const bad = Math.max(failed, problems.length > 0 ? 1 : 0);
console.log(`${passed} passed, ${bad} failed`);
process.exitCode = bad === 0 && passed > 0 ? 0 : 1;
