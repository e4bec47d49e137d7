import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The toolkit is tested from source, through the same `plinth-source` condition that `npm start` uses.
  resolve: { conditions: ['plinth-source'] },
  ssr: { resolve: { conditions: ['plinth-source'], externalConditions: ['plinth-source'] } },
  test: {
    include: ['{src,connectors,service,test,tools,examples,bench}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', 'test/planted/**'],
    pool: 'forks',
    // Most of a test's time is spent waiting for servers: one for each core even where there are only two.
    maxWorkers: availableParallelism(),
    setupFiles: ['test/patience.ts'],
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
