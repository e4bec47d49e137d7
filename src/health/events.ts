import type { HealthStatus } from './health-check.ts';

/** What a health registry tells. */
export interface HealthEvents {
  /** A check's answer differs from its last one; `unknown` stands for none. */
  'status-changed': {
    readonly name: string;
    readonly from: HealthStatus | 'unknown';
    readonly to: HealthStatus;
    readonly message?: string;
    /** What the check threw, for the log. */
    readonly error?: unknown;
  };
  /** The process began or ceased to accept requests. */
  'accepting-changed': { readonly accepting: boolean };
}
