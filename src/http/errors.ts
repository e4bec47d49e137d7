import { RejectedError } from '../errors/index.ts';

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
