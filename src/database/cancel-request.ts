import { Connection, type PoolClient } from 'pg';
import type { Clock } from '../kernel/index.ts';

/** What a client of the driver knows of its connection. */
interface ServerSide {
  readonly host: string;
  readonly port: number;
  readonly ssl: unknown;
  readonly sslNegotiation: string;
  readonly processID: number | null;
  readonly secretKey: number | null;
}

/** The part of the driver's connection that a request to cancel needs. */
interface CancelConnection {
  on(event: string, listener: (error?: unknown) => void): void;
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  readonly stream: { destroy(): void; unref?(): void };
}

/** How long the way to the server may take, in milliseconds. */
const timeoutMs = 2_000;

/**
 * Asks the server, over a connection of its own, to cancel the statement that a client is running. PostgreSQL needs no
 * log-in for it, and does not say whether it worked: the answer to the statement does.
 */
export function sendCancelRequest(client: PoolClient, clock: Clock): void {
  const { host, port, ssl, sslNegotiation, processID, secretKey } = client as unknown as ServerSide;
  if (processID === null || secretKey === null) return;
  const connection = new (Connection as unknown as new (options: object) => CancelConnection)({ ssl, sslNegotiation });
  const cancel = (): void => connection.cancel(processID, secretKey);
  const timer = clock.setTimer(timeoutMs, () => connection.stream.destroy());
  // When it cannot be sent, the statement is broken off by closing its connection.
  connection.on('error', () => connection.stream.destroy());
  connection.on('end', () => timer.cancel());
  connection.on('sslconnect', cancel);
  connection.on('connect', () => {
    if (!ssl) cancel();
    else if (sslNegotiation !== 'direct') connection.requestSsl();
  });
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
}
