import { describe, expect, it } from 'vitest';
import type { DatabaseEvents, ReplicaState } from '../database/index.ts';
import { Events } from '../kernel/index.ts';
import { createMetrics } from './index.ts';

describe('Metrics of a database', () => {
  it('show the connections of the primary and of each replica, and count repeated transactions and slow statements', async () => {
    using metrics = await createMetrics();
    const events = new Events<DatabaseEvents>();
    const pool = { total: 3, idle: 1, active: 2, waiting: 4 };
    let state: ReplicaState = 'ready';
    metrics.observeDatabase({
      events,
      poolStats: () => pool,
      replicaStats: () => [{ name: 'replica:5432/x', state, pool: { ...pool, total: 1 } }],
    });
    events.emit('transaction-retried', { attempt: 1, delayMs: 5, error: undefined });
    events.emit('slow-query', { sql: 'select 1', durationMs: 900, rows: 1, thresholdMs: 500 });
    state = 'lagging';
    const lines = (await metrics.render()).split('\n');
    for (const line of [
      'plinth_database_connections{pool="primary"} 3',
      'plinth_database_connections{pool="replica:5432/x"} 1',
      'plinth_database_connections_active{pool="primary"} 2',
      'plinth_database_waiting{pool="primary"} 4',
      'plinth_database_replica_ready{replica="replica:5432/x"} 0',
      'plinth_database_transaction_retries_total 1',
      'plinth_database_slow_queries_total 1',
    ])
      expect(lines).toContain(line);
  });
});
