import { createHash } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { buildConnector } from 'undici';
import { NetworkError } from '../errors/index.ts';

/**
 * Opens connections to nobody but the holder of one of these public keys; what is not TLS has none. The connector must
 * resume no sessions: those show no certificate, and are refused.
 */
export function pinnedConnector(
  connect: buildConnector.connector,
  pins: ReadonlySet<string>,
): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      const pin = socket instanceof TLSSocket ? pinOf(socket) : undefined;
      if (!(socket instanceof TLSSocket) || (pin !== undefined && pins.has(pin))) return callback(null, socket);
      socket.destroy();
      callback(mismatch(options.hostname, pin), null);
    });
}

function pinOf(socket: TLSSocket): string | undefined {
  const key = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' });
  return key === undefined ? undefined : `sha256/${createHash('sha256').update(key).digest('base64')}`;
}

function mismatch(host: string, pin: string | undefined): NetworkError {
  const message = `Cannot connect to ${host}: the public key of its certificate is ${pin ?? 'unknown'}, which is none of the pins`;
  return new NetworkError(message, { retryable: false, details: { reason: 'PIN_MISMATCH', pin } });
}
