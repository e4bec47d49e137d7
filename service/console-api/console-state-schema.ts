import { z } from 'zod';
import { importState } from '../imports/import-schemas.ts';

const healthStatus = z.enum(['up', 'degraded', 'down']);

/** The schema of {@link ConsoleState}: what the console shows, and what anybody else may read. */
export const consoleStateSchema = z
  .object({
    service: z.object({
      name: z.string(),
      version: z.string(),
      environment: z.string(),
      upstreams: z.enum(['recorded', 'live']),
      standIn: z.string().optional().meta({ description: 'Where the stand-in is that plays the recordings' }),
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
        storeHits: z.number(),
        regrets: z.number(),
        loadFailures: z.number(),
        bytes: z.number(),
        savedMs: z.number(),
        hitRate: z.number(),
        prefixes: z.record(
          z.string(),
          z.object({
            entries: z.number(),
            bytes: z.number(),
            hits: z.number(),
            storeHits: z.number(),
            misses: z.number(),
            stale: z.number(),
            loads: z.number(),
            evictions: z.number(),
            regrets: z.number(),
            savedMs: z.number(),
            hitRate: z.number(),
          }),
        ),
      }),
    ),
    cacheTiers: z.object({
      status: z.enum(['up', 'degraded']),
      backend: z.enum(['memory', 'redis', 'hybrid']),
      message: z.string().optional(),
      coherence: z
        .object({
          coverage: z.enum(['tracking', 'announcements', 'none']),
          maxStalenessMs: z.number(),
          heardAgoMs: z.number().nullable().meta({ description: 'null: it never was certain' }),
          generation: z.number(),
        })
        .optional(),
    }),
    totals: z.object({
      calls: z.number(),
      ok: z.number(),
      stale: z.number(),
      rejected: z.number(),
      failed: z.number(),
      upstreamCalls: z.number(),
    }),
    imports: z.array(importState),
    calls: z.array(
      z.looseObject({ sequence: z.number(), dependency: z.string(), operation: z.string(), result: z.string() }),
    ),
  })
  .meta({ id: 'ConsoleState' });
