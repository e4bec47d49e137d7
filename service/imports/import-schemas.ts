import { z } from 'zod';

/** The most names of one import. */
export const maxNames = 10_000;

const name = z.string().trim().min(1).max(200);

/** The names of an import: as JSON, or as plain text with one name a line. */
export const importBody = z.union([
  z.object({
    names: z.array(name).min(1).max(maxNames),
    title: z.string().trim().min(1).max(100).optional().meta({ description: 'For people. Default: the first names' }),
  }),
  z
    .string()
    .transform(text => ({
      names: text
        .split(/\r?\n/)
        .map(line => line.trim())
        .filter(line => line !== ''),
      title: undefined,
    }))
    .pipe(z.object({ names: z.array(name).min(1).max(maxNames), title: z.undefined() })),
]);

const moment = z.string().meta({ description: 'ISO 8601, UTC' });

/** How far an import is. */
export const importState = z
  .object({
    id: z.string(),
    title: z.string(),
    createdAt: moment,
    state: z.enum(['running', 'paused', 'stopped', 'completed', 'failed']),
    total: z.number(),
    done: z.number().meta({ description: 'Names that have a result, failed ones included' }),
    failed: z.number(),
    recorded: z.number().meta({ description: 'Names whose result was there already when the import went on' }),
    active: z.number(),
    ratePerSecond: z.number(),
    elapsedMs: z.number(),
    etaMs: z.number().nullable(),
    error: z.string().optional(),
  })
  .meta({ id: 'Import' });

/** What came of one name. */
export const importedMedication = z.object({
  name: z.string(),
  applications: z.number().meta({ description: 'Applications under this name; 0: the name is unknown' }),
  firstApproval: z
    .object({ applicationNumber: z.string(), date: z.string() })
    .nullable()
    .meta({ description: 'The earliest approval, YYYY-MM-DD' }),
  freshness: z.enum(['fresh', 'stale']),
  fetchedAt: moment,
});

/** One line of the results, in the order of the names. */
export const importResult = z.object({
  index: z.number(),
  name: z.string(),
  ok: z.boolean(),
  value: importedMedication.optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  recorded: z.boolean(),
});
