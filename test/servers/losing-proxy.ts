import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP proxy on loopback that passes requests on, and loses answers when it is told to. */
export interface LosingProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** Which answers are lost from now on, after the server has done what it was asked to. */
  loses(answer: (method: string, path: string) => boolean): void;
}

/** Starts a proxy in front of a server on this machine. */
export async function startLosingProxy(port: number): Promise<LosingProxy> {
  let isLost: (method: string, path: string) => boolean = () => false;
  const proxy = createServer((incoming, answer) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (found: IncomingMessage) => {
      if (isLost(method, url)) {
        found.resume().once('end', () => incoming.socket.destroy());
        return;
      }
      answer.writeHead(found.statusCode ?? 502, found.rawHeaders);
      found.pipe(answer);
    });
    onward.once('error', () => incoming.socket.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>(resolve => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    loses: answer => {
      isLost = answer;
    },
    async [Symbol.asyncDispose]() {
      proxy.closeAllConnections();
      await new Promise(resolve => proxy.close(resolve));
    },
  };
}
