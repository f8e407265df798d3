/**
 * The label key as reports write it: operators replace by `_` what Prometheus does not allow in a label name, and add
 * the prefix `label_`, which we remove everywhere (DOMAIN §3). In reports, `app.kubernetes.io/name` is
 * `app_kubernetes_io_name`.
 */
export function writtenLabelKey(key: string): string {
  return key.replaceAll(/[^A-Za-z0-9_]/g, '_').replaceAll('label_', '');
}
