import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Where a connection is cut: what the client said never arrives, or what the server answered. */
export type Cut = 'request' | 'answer';

/** A way to a server on this machine whose connections can be cut, or fall silent. */
export interface CuttingTunnel extends AsyncDisposable {
  readonly port: number;
  /** Cuts a connection at the n-th piece, from 1, that a client sends from now on. */
  cutAt(piece: number, cut: Cut): void;
  /** How many pieces clients have sent since then. */
  readonly pieces: number;
  /** Holds back what clients send on the present connections, until the answer of this is called. */
  hold(): () => void;
  /** How many connections were ended so far. */
  readonly ended: number;
  /** Loses everything on the present connections without telling anybody, as a firewall does that forgets them. */
  forget(): void;
}

/** Opens a tunnel to a port of this machine. */
export async function openTunnel(port: number): Promise<CuttingTunnel> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const state = { pieces: 0, ended: 0, cutAt: Number.POSITIVE_INFINITY, cut: 'request' as Cut };
  const tunnel = createServer(near => {
    const far = connect(port, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    const end = (): void => {
      if (pairs.delete(pair)) state.ended += 1;
      near.destroy();
      far.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    near.on('data', piece => {
      state.pieces += 1;
      const isCut = state.pieces === state.cutAt;
      if (isCut && state.cut === 'request') end();
      else far.write(piece);
      if (isCut && state.cut === 'answer') far.removeAllListeners('data').once('data', end);
    });
    far.on('data', piece => near.write(piece));
  });
  await new Promise<void>(resolve => tunnel.listen(0, '127.0.0.1', resolve));
  return {
    port: (tunnel.address() as AddressInfo).port,
    get pieces() {
      return state.pieces;
    },
    cutAt(piece, cut) {
      Object.assign(state, { pieces: 0, cutAt: piece, cut });
    },
    get ended() {
      return state.ended;
    },
    hold() {
      const held = [...pairs].map(([near]) => near.pause());
      return () => {
        for (const near of held) near.resume();
      };
    },
    forget() {
      for (const [near, far] of pairs) for (const socket of [near, far]) socket.removeAllListeners('data').resume();
    },
    async [Symbol.asyncDispose]() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      await new Promise<void>(resolve => tunnel.close(() => resolve()));
    },
  };
}
