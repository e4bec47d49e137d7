/**
 * Who may ask an endpoint. `everybody` needs no token; `token` any token of the API; `premium` a token with the premium
 * right; `premium-or-download` that, or one for data downloads; `website` is for the site and those who are logged in to it;
 * `admin` for OncoKB's own people.
 */
export type OncoKBRole = 'everybody' | 'token' | 'premium' | 'premium-or-download' | 'website' | 'admin';

/** Which right an endpoint needs. */
export interface EndpointRight {
  /** Below `/api/v1`; `**` is anything. */
  readonly path: string;
  /** Who may ask it. */
  readonly role: OncoKBRole;
}

/**
 * Which right every endpoint needs, the first that fits: what OncoKB's own security configuration says (oncokb-public,
 * TokenSecurityConfiguration, 2026). An ordinary academic token has the role `token`.
 */
export const endpointRights: readonly EndpointRight[] = [
  { path: '/info', role: 'everybody' },
  { path: '/levels**', role: 'everybody' },
  { path: '/utils/allCuratedGenes**', role: 'everybody' },
  { path: '/utils/cancerGeneList**', role: 'everybody' },
  { path: '/annotate/sample', role: 'premium' },
  { path: '/annotate/**', role: 'token' },
  { path: '/annotation/search', role: 'premium' },
  { path: '/drugs', role: 'premium' },
  { path: '/utils/allActionableVariants', role: 'premium' },
  { path: '/utils/allAnnotatedVariants', role: 'premium' },
  { path: '/utils/allActionableVariants.txt', role: 'premium-or-download' },
  { path: '/utils/allAnnotatedVariants.txt', role: 'premium-or-download' },
  { path: '/genes/lookup', role: 'website' },
  { path: '/variants/lookup', role: 'website' },
  { path: '/evidences/**', role: 'website' },
  { path: '/**', role: 'admin' },
];

/** Which right a path below `/api/v1` needs, such as `/drugs/lookup`: `admin`. */
export function rightOf(path: string): OncoKBRole {
  const found = endpointRights.find(({ path: pattern }) =>
    pattern.endsWith('**') ? path.startsWith(pattern.slice(0, -2)) : path === pattern,
  );
  return found?.role ?? 'admin';
}

/** A role in words, for messages. */
export function describeRole(role: OncoKBRole): string {
  return roleWords[role];
}

const roleWords = {
  everybody: 'no token',
  token: 'a token of the API',
  premium: 'a token with the premium right',
  'premium-or-download': 'a token with the premium or the data download right',
  website: "a log-in to OncoKB's website",
  admin: "an administrator's token",
} as const satisfies Record<OncoKBRole, string>;
