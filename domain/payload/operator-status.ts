/** What is kept of the operator's custom-resource status (`cr_status` in manifest.json). */
export interface OperatorStatus {
  readonly clusterChannel: string | null;
  readonly operatorAirgapped: boolean | null;
  readonly operatorErrors: Record<string, string> | null;
}

const STEPS_WITH_ERRORS = ['authentication', 'packaging', 'upload', 'prometheus', 'source'];

/** PostgreSQL stores neither NUL nor unpaired surrogates, which JSON can contain; they are removed. */
export function withoutUnstorable(text: string): string {
  return text.replaceAll(/[\u0000\p{Surrogate}]/gu, '');
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function textOf(value: unknown): string {
  return withoutUnstorable(typeof value === 'string' ? value : JSON.stringify(value));
}

/** Some operators send booleans as text. */
function isSwitchedOn(value: unknown): boolean {
  if (typeof value === 'string') return !['', 'false', '0'].includes(value.toLowerCase());
  return Boolean(value);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** Channel, air gap (the operator does not upload by itself) and errors. All null when the status is empty. */
export function operatorStatus(crStatus: Readonly<Record<string, unknown>>): OperatorStatus {
  if (Object.keys(crStatus).length === 0) {
    return { clusterChannel: null, operatorAirgapped: null, operatorErrors: null };
  }
  const channel = crStatus['clusterVersion'];
  const errors: Record<string, string> = {};
  for (const step of STEPS_WITH_ERRORS) {
    const error = member(crStatus[step], 'error');
    if (!isAbsent(error)) errors[`${step}_error`] = textOf(error);
  }
  return {
    clusterChannel: isAbsent(channel) ? null : textOf(channel),
    operatorAirgapped: !isSwitchedOn(member(crStatus['upload'], 'upload')),
    operatorErrors: Object.keys(errors).length === 0 ? null : errors,
  };
}

/** Why the operator collected nothing, with the contents of braces masked; undefined when it does not say. */
export function dataCollectionMessage(crStatus: Readonly<Record<string, unknown>>): string | undefined {
  const message = member(crStatus['reports'], 'data_collection_message');
  return isAbsent(message) ? undefined : maskBraces(textOf(message));
}

/**
 * Replace the text between outer braces by `***`: the operator quotes Prometheus queries there, which name workloads.
 * Text after a brace that is never closed is masked too.
 */
function maskBraces(text: string): string {
  let masked = '';
  let depth = 0;
  for (const character of text) {
    if (character === '{') depth += 1;
    if (depth === 0) masked += character;
    else if (depth === 1 && character === '{') masked += '{***';
    if (character === '}' && depth > 0) {
      depth -= 1;
      if (depth === 0) masked += '}';
    }
  }
  return masked;
}
