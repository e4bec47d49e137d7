import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { RespFrames } from './resp-frames.ts';

/** A network between a process and its Redis, that does as it is told. */
export interface ChaosProxy {
  readonly port: number;
  /** Ends every connection. */
  cut(): void;
  /** Holds everything back, both ways, until it is let go: nothing is lost. */
  hold(held: boolean): void;
  /** Whether what Redis tells without being asked is thrown away, while answers get through. */
  dropPushes(dropped: boolean): void;
  close(): Promise<void>;
}

/** Starts a proxy in front of a Redis on this machine. */
export async function startChaosProxy(target: number): Promise<ChaosProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isHeld = false;
  let drops = false;
  const server = createServer(client => {
    const redis = connect(target, '127.0.0.1');
    const pair = [client, redis] as const;
    pairs.add(pair);
    const frames = new RespFrames();
    client.on('data', chunk => redis.write(chunk));
    redis.on('data', chunk => {
      for (const frame of frames.push(chunk)) if (!(drops && isPush(frame))) client.write(frame);
    });
    for (const socket of pair) {
      socket.setNoDelay(true);
      if (isHeld) socket.pause();
      const end = (): void => {
        pairs.delete(pair);
        client.destroy();
        redis.destroy();
      };
      socket.on('error', end).on('close', end);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const [client] of pairs) client.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    hold(held) {
      isHeld = held;
      for (const socket of [...pairs].flat()) held ? socket.pause() : socket.resume();
    },
    dropPushes(dropped) {
      drops = dropped;
    },
    async close() {
      cut();
      server.close();
    },
  };
}

/** What Redis says of itself: an invalidation, or a message of a channel. Confirmations of subscriptions are answers. */
function isPush(frame: Buffer): boolean {
  const head = frame.toString('latin1', 0, 40);
  return /^>\d+\r\n\$\d+\r\n(?:invalidate|p?message)\r\n/.test(head) || /^\*3\r\n\$7\r\nmessage\r\n/.test(head);
}
