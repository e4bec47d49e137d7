/** What a failure of TLS means, by the code that the platform gives it: of the other side's certificate, or of ours. */
const meanings: Readonly<Record<string, string>> = Object.freeze({
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  CERT_REVOKED: 'its certificate was revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  HOSTNAME_MISMATCH: 'its certificate is for another host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'the issuer of its certificate is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'the issuer of its certificate is not known',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the issuer of its certificate is not known',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the issuer of its certificate is not known',
});

/** The same for families of codes; alerts are what the other side says of us. */
const families: readonly (readonly [pattern: RegExp, meaning: string])[] = Object.freeze([
  [/ALERT_CERTIFICATE_REQUIRED$/, 'it wants a certificate of ours'],
  [/ALERT_(?:.*CERTIFICATE.*|UNKNOWN_CA|ACCESS_DENIED)$/, 'it does not accept our certificate'],
  [
    /(?:PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|NO_PROTOCOLS.*)$/,
    'it speaks no version of TLS that we accept',
  ],
  [/HANDSHAKE_FAILURE$/, 'it accepts none of our versions and ciphers, or wants a certificate of ours'],
  [/(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNKNOWN_PROTOCOL)$/, 'it does not speak TLS'],
  [/^(?:CERT_|DEPTH_|UNABLE_|SELF_|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_)/, 'its certificate cannot be trusted'],
  [/^(?:ERR_SSL_|ERR_TLS_)/, 'TLS failed'],
]);

/** What went wrong with TLS, in words; `undefined` for everything else. Nothing of it gets better by trying again. */
export function tlsMeaning(code: string): string | undefined {
  if (Object.hasOwn(meanings, code)) return meanings[code];
  return families.find(([pattern]) => pattern.test(code))?.[1];
}
