import type { IncomingHttpHeaders } from 'node:http';

/**
 * What a token may: `ordinary` annotates; `download` reads the text forms of the tables besides; `premium` everything that
 * is for sale; `admin` all. `expired` and `unlicensed` ones are refused.
 */
export type TokenRole = 'ordinary' | 'download' | 'premium' | 'admin' | 'expired' | 'unlicensed';

/** Who may ask a route. */
export type Access = 'everybody' | 'token' | 'premium' | 'premium-or-download' | 'admin';

const allowed: Readonly<Record<Access, readonly TokenRole[]>> = {
  everybody: [],
  token: ['ordinary', 'download', 'premium', 'admin'],
  premium: ['premium', 'admin'],
  'premium-or-download': ['premium', 'download', 'admin'],
  admin: ['admin'],
};

/** What becomes of a request for want of a right; `undefined` when it may be answered. */
export type Refusal = 'no-token' | 'unknown-token' | 'expired' | 'unlicensed' | 'forbidden';

/** Knows tokens: those of a list, else every token by how it begins. */
export class Tokens {
  readonly #roles: Readonly<Record<string, TokenRole>> | undefined;

  constructor(roles: Readonly<Record<string, TokenRole>> | undefined) {
    this.#roles = roles;
  }

  check(headers: IncomingHttpHeaders, access: Access): Refusal | undefined {
    if (access === 'everybody') return undefined;
    const token = tokenOf(headers);
    if (token === undefined) return 'no-token';
    const role = this.#roles === undefined ? roleByName(token) : this.#roles[token];
    if (role === undefined) return 'unknown-token';
    if (role === 'expired' || role === 'unlicensed') return role;
    return allowed[access].includes(role) ? undefined : 'forbidden';
  }
}

/** The token of a request. */
export function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

function roleByName(token: string): TokenRole {
  const roles: readonly TokenRole[] = ['download', 'premium', 'admin', 'expired', 'unlicensed'];
  return roles.find(role => token.startsWith(role)) ?? 'ordinary';
}
