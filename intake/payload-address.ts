import { createHash } from 'node:crypto';

/** Is the payload an address to fetch, and not a local file? */
export function isRemote(payload: string): boolean {
  return /^(s3|https?):\/\//i.test(payload);
}

/** Query parameters that sign an address: they differ each time the same payload is announced. */
const signatureParameters =
  /^(x-amz-|x-goog-|sig$|signature$|expires$|se$|sp$|sv$|sr$|st$|awsaccesskeyid$|googleaccessid$|key-pair-id$|policy$)/i;

/** What identifies a payload by its address: everything except signature and user info. */
export function withoutSignature(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  url.username = '';
  url.password = '';
  for (const name of [...url.searchParams.keys()])
    if (signatureParameters.test(name)) url.searchParams.delete(name);
  url.searchParams.sort();
  return url.href;
}

/** SHA-256 of a text, hexadecimal. */
export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
