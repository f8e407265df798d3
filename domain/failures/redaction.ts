/**
 * Values of fields with these names, at any depth; user and password of addresses; query strings, which sign presigned
 * addresses.
 */
const secrets: readonly [RegExp, string][] = [
  [
    /("(?:[\w-]*(?:password|secret|token|authorization|api_?key)|downloadUrl)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi,
    '$1"[redacted]"',
  ],
  [/\b(password=)[^\s"'&\\]+/gi, '$1[redacted]'],
  [/([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s"'/\\]*@/gi, '$1'],
  [/([a-z][a-z0-9+.-]{0,30}:\/\/[^\s"'?\\]*)\?[^\s"'\\]*/gi, '$1'],
];

/** Redact what may be secret in a text: passwords, tokens, user info and query strings of addresses. */
export function redactSecrets(line: string): string {
  return secrets.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
}
