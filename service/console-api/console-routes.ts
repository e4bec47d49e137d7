import type { Infrastructure } from 'plinth';
import { eventStream, type ServerRoutes } from 'plinth/server';
import type { ConsoleState } from './console-state.ts';
import { consoleStateSchema } from './console-state-schema.ts';

/** What the console reads, for anybody to read. */
export function consoleRoutes({ dependencies }: Infrastructure, state: ConsoleState): ServerRoutes {
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
