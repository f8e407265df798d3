/** How a sender logged in. */
export type LoginMethod = 'jwt' | 'client' | 'basic' | 'token' | 'identity-header';

/** Who sends, and what it may act for. */
export interface Principal {
  /** unique among principals; for limits and the audit log */
  name: string;
  method: LoginMethod;
  orgId: string;
  /** the only cluster that it acts for; undefined: all clusters of the organisation */
  clusterId: string | undefined;
  accountNumber: string | undefined;
}
