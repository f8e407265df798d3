/**
 * The label key as reports write it: operators put `_` in place of what Prometheus allows in no label name, and every
 * `label_` is their prefix, which we take away (DOMAIN §3). `app.kubernetes.io/name` is `app_kubernetes_io_name` in reports.
 */
export function writtenLabelKey(key: string): string {
  return key.replaceAll(/[^A-Za-z0-9_]/g, '_').replaceAll('label_', '');
}
