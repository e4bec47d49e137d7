/** Accepts what can be logged and echoed without harm: 1 to 128 visible ASCII characters. */
const acceptable = /^[\x21-\x7e]{1,128}$/;

/**
 * The request id that a caller sent, if it may be used: opaque strings such as `req-123` are fine.
 *
 * @returns undefined when there is none or it is not 1 to 128 visible ASCII characters.
 */
export function acceptRequestId(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && acceptable.test(header) ? header : undefined;
}
