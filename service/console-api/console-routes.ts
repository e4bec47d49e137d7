import type { Infrastructure } from 'plinth';
import { NotFoundError } from 'plinth/errors';
import { eventStream, type ServerRoutes } from 'plinth/server';
import { z } from 'zod';
import type { ConsoleState } from './console-state.ts';
import { consoleStateSchema } from './console-state-schema.ts';
import { requestExplanationSchema } from './request-explanation-schema.ts';

/** What the console reads, for anybody to read. */
export function consoleRoutes(infrastructure: Infrastructure, state: ConsoleState): ServerRoutes {
  const { dependencies } = infrastructure;
  return async app => {
    app.get(
      '/console/state',
      {
        schema: {
          summary: 'What the process does now: health, breakers, caches, the last calls',
          tags: ['console'],
          response: { 200: consoleStateSchema },
        },
      },
      () => state.current(),
    );
    app.get(
      '/console/why/:requestId',
      {
        schema: {
          summary: 'Why a request went as it did: its answer, what limits decided, every call made for it',
          tags: ['console'],
          params: z.object({ requestId: z.string().min(1) }),
          response: { 200: requestExplanationSchema },
        },
      },
      ({ params: { requestId } }) => {
        const found = infrastructure.why(requestId);
        if (found === undefined) throw new NotFoundError('Request', requestId);
        const { lines, requests, calls } = found;
        return {
          requestId,
          lines: [...lines],
          requests: requests.map(request => ({ ...request })),
          calls: calls.map(call => ({ ...call })),
        };
      },
    );
    app.get(
      '/console/events',
      { schema: { summary: 'The same as it happens: server-sent events `state` and `call`', tags: ['console'] } },
      async (request, reply) => {
        const current = await state.current();
        const stream = eventStream(request, reply);
        stream.send({ event: 'state', data: current });
        const subscriptions = [
          state.events.on('changed', snapshot => stream.send({ event: 'state', data: snapshot })),
          dependencies.events.on('call', record => stream.send({ event: 'call', data: record })),
        ];
        stream.signal.addEventListener('abort', () => {
          for (const subscription of subscriptions) subscription.unsubscribe();
        });
      },
    );
  };
}
