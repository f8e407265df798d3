/** Address of a run in the Temporal UI. */
export function runAddress(uiAddress: string, namespace: string, workflowId: string): string {
  const [space, id] = [namespace, workflowId].map(encodeURIComponent);
  return `${uiAddress.replace(/\/$/, '')}/namespaces/${space ?? ''}/workflows/${id ?? ''}`;
}
