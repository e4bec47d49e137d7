import type PgBoss from 'pg-boss';
import { ConfigurationError } from '../../errors/index.ts';

/** The vendor's class. */
export type PgBossClass = typeof PgBoss;

/** Loads the optional package at the moment it is needed, so that those who queue nothing need not have it. */
export async function loadPgBoss(
  load: () => Promise<{ readonly default: PgBossClass }> = () => import('pg-boss'),
): Promise<PgBossClass> {
  try {
    return (await load()).default;
  } catch (cause) {
    throw new ConfigurationError(
      'Cannot queue a batch without the package pg-boss',
      [{ name: 'pg-boss', message: 'Not installed. Install it with "npm install pg-boss@10"' }],
      { cause },
    );
  }
}
