import type { ConfigurationProblem } from 'plinth/errors';
import { z } from 'zod';
import { parseStage } from './stage.ts';

/** How much NCCN's panels agree, and on what evidence. */
export type RecommendationCategory = '1' | '2A' | '2B' | '3';

/** How much a regimen is preferred. */
export type RegimenPreference = 'preferred' | 'other' | 'useful in certain circumstances';

/** One regimen of the licensed content. Every field is one of the file. */
export interface LicensedRegimen {
  readonly name: string;
  /** Generic names. */
  readonly drugs: readonly string[];
  readonly category: RecommendationCategory;
  readonly preference: RegimenPreference;
  /** The line of therapy, such as `first`; absent where the file says none. */
  readonly line?: string | undefined;
  /** What must be there, such as `EGFR exon 19 deletion`; empty for everybody. */
  readonly biomarkers: readonly string[];
  /** Where in the licensed content it stands, such as a page. */
  readonly reference: string;
}

/** What the licensed content says of some stages of a cancer. */
export interface LicensedEntry {
  /** By NCCN's name of it, or an alias. */
  readonly cancer: string;
  /** As `parseStage` spells them; `any` for all. */
  readonly stages: readonly string[];
  readonly regimens: readonly LicensedRegimen[];
}

/** Recommended medications that the user is licensed to use, as the user supplied them. */
export interface LicensedDocument {
  /** The licensed publication. */
  readonly source: string;
  /** Its version, such as `1.2026`. */
  readonly version: string;
  /** Its day, `YYYY-MM-DD`. */
  readonly date: string;
  /** Under which licence the user has it. */
  readonly licence: string;
  readonly entries: readonly LicensedEntry[];
}

const line = z.string().trim().min(1).max(500);

const stage = z.union([line, z.number()]).transform((text, context) => {
  try {
    return parseStage(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});

const regimen = z.strictObject({
  name: line,
  drugs: z.array(line).min(1),
  category: z.enum(['1', '2A', '2B', '3']),
  preference: z.enum(['preferred', 'other', 'useful in certain circumstances']),
  line: line.optional(),
  biomarkers: z.array(line),
  reference: line,
});

const entry = z.strictObject({ cancer: line, stages: z.array(stage).min(1), regimens: z.array(regimen).min(1) });

const document = z.strictObject({
  source: line,
  version: line,
  date: z.iso.date(),
  licence: line,
  entries: z.array(entry).min(1),
});

/** Reads the contents of a file, or says of each field what is wrong with it; 20 at most. */
export function readLicensedDocument(
  contents: unknown,
): { readonly document: LicensedDocument } | { readonly problems: readonly ConfigurationProblem[] } {
  const result = document.safeParse(contents);
  if (result.success) return { document: result.data };
  const problems = result.error.issues.slice(0, 20).map(issue => {
    const name = pathOf(issue.path);
    const found = issue.code === 'invalid_value' ? `, got ${shown(valueAt(contents, issue.path))}` : '';
    return { name: name === '' ? 'the file' : name, message: `${issue.message}${found}` };
  });
  return { problems };
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map(key => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

function valueAt(contents: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Readonly<Record<PropertyKey, unknown>>)[key], contents);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 60);
}
