import { z } from 'zod';

const healthStatus = z.enum(['up', 'degraded', 'down']);

/** The schema of {@link ConsoleState}: what the console shows, and what anybody else may read. */
export const consoleStateSchema = z
  .object({
    service: z.object({
      name: z.string(),
      version: z.string(),
      environment: z.string(),
      upstreams: z.enum(['recorded', 'live']),
      startedAt: z.string(),
      uptimeSeconds: z.number(),
      database: z.string(),
    }),
    health: z.object({
      status: healthStatus,
      checks: z.array(
        z.object({
          name: z.string(),
          status: healthStatus,
          message: z.string().optional(),
          durationMs: z.number().optional(),
        }),
      ),
    }),
    breakers: z.array(
      z.object({
        name: z.string(),
        state: z.enum(['closed', 'open', 'half-open']),
        failures: z.number(),
        failureThreshold: z.number(),
        retryInMs: z.number().optional(),
        mode: z.enum(['normal', 'forced-open', 'forced-closed', 'shadow']).optional(),
      }),
    ),
    caches: z.array(
      z.object({
        name: z.string(),
        entries: z.number(),
        maxEntries: z.number(),
        hits: z.number(),
        misses: z.number(),
        stale: z.number(),
        loads: z.number(),
        joined: z.number(),
        evictions: z.number(),
        hitRate: z.number(),
      }),
    ),
    totals: z.object({
      calls: z.number(),
      ok: z.number(),
      stale: z.number(),
      rejected: z.number(),
      failed: z.number(),
      upstreamCalls: z.number(),
    }),
    calls: z.array(
      z.looseObject({ sequence: z.number(), dependency: z.string(), operation: z.string(), result: z.string() }),
    ),
  })
  .meta({ id: 'ConsoleState' });
