import type { WatchEvent } from '../intake/watch/events.ts';
import type { Output } from './output.ts';

/**
 * Write what a watcher has to say: ends of files to standard output and everything else to standard error; with
 * `--json` all of it to standard output, one object a line.
 */
export function watchReporter(output: Output): (event: WatchEvent) => void {
  return (event) => {
    if (output.json) {
      output.text(JSON.stringify({ at: new Date().toISOString(), ...event }));
      return;
    }
    const text = sentenceOf(event);
    if (event.event === 'ended') output.text(text);
    else output.say(text);
  };
}

function sentenceOf(event: WatchEvent): string {
  switch (event.event) {
    case 'watching':
      return `Watching ${event.place} for organisation ${event.orgId}`;
    case 'not watched':
      return `Not watched: ${event.place}: ${event.problem}`;
    case 'waiting for servers':
      return `Waiting, nothing is lost (${event.errorType}): ${event.problem}`;
    case 'servers are back':
      return 'Going on';
    case 'left alone':
      return `${shown(event)}: left where it is: ${event.problem}`;
    case 'taken':
      return `${shown(event)}: taken${event.known ? ', known before' : ''}: ${event.workflowId}`;
    case 'followed again':
      return `${shown(event)}: followed again: ${event.workflowId}`;
    case 'state':
      return `${shown(event)}: ${event.state}`;
    case 'blocked':
      return [
        `${shown(event)}: blocked, waiting for a decision (retry, skip or abandon: ` +
          `ocp-pipeline replay ${event.requestId.slice(0, 12)} --help, or in the Temporal UI)`,
        ...event.failures.map(
          ({ failureId, errorType, message }) => `  ${failureId} (${errorType}): ${message}`,
        ),
      ].join('\n');
    case 'ended':
      return `${shown(event)}: ${event.sentence} → ${event.movedTo}/`;
  }
}

/** Names are chosen by whoever drops the files. */
function shown({ file }: { file: string }): string {
  return /[\p{Control}\u2028\u2029]/u.test(file) ? JSON.stringify(file) : file;
}
