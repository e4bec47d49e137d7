import { type FailedError, RejectedError } from '../errors/index.ts';

/** Which rule an address breaks. */
export type AddressRule = 'syntax' | 'scheme' | 'credentials' | 'host' | 'port' | 'address';

/**
 * A refusal by us: nothing was sent, because the address may not be asked. Never retried, and nobody's failure. The
 * message names the host at most: neither credentials, nor the path, nor where a name leads inside the network.
 */
export class ForbiddenAddressError extends RejectedError {
  /** Which rule the address breaks. */
  readonly rule: AddressRule;
  /** The IP address that is not to be connected to, for those who run the service. Not enumerable: it stays out of answers and logs. */
  declare readonly address: string | undefined;

  constructor(message: string, rule: AddressRule, address?: string) {
    super(message, 'forbidden', { details: { rule } });
    this.rule = rule;
    Object.defineProperty(this, 'address', { value: address, enumerable: false });
  }
}

/**
 * A refusal by us: nothing was sent, because the site's robots.txt does not allow it, or cannot be read. Never retried, and
 * nobody's failure. The message leaves the query out.
 */
export class RobotsDisallowedError extends RejectedError {
  /** The site. */
  readonly origin: string;
  /** The rule that forbids it, such as `Disallow: /search`; `undefined` when robots.txt could not be read. */
  readonly rule: string | undefined;

  /** @param failure why robots.txt could not be read. */
  constructor({ origin, pathname }: URL, rule: string | undefined, failure?: FailedError) {
    const because = rule === undefined ? 'cannot be read, so nothing is allowed' : `says "${rule.slice(0, 200)}"`;
    const message = `Cannot fetch ${origin}${pathname}: ${origin}/robots.txt ${because}`;
    super(message, 'forbidden', { details: { origin, ...(rule === undefined ? {} : { rule }) }, cause: failure });
    this.origin = origin;
    this.rule = rule;
  }
}
