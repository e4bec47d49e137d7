import type { Table } from 'plinth/crud';
import { ServiceError, ValidationError } from 'plinth/errors';
import { z } from 'zod';

/** The version of a row as a header, so that a change can say which one it was made on. */
export function versionTag(table: Table, row: unknown): string {
  return `"${versionOf(table, row)}"`;
}

function versionOf(table: Table, row: unknown): number {
  return Number((row as Readonly<Record<string, unknown>>)[table.version ?? '']);
}

/** The header that says on which version a change is made. */
export const ifMatch: z.ZodOptional<z.ZodString> = z
  .string()
  .optional()
  .meta({ description: 'The ETag of the row: it is left alone when it has another' });

/** The largest version that a row comes to. */
const maxVersion = 2_147_483_647;

/**
 * The tags of `If-Match`; `undefined` for whichever.
 *
 * @throws {ValidationError} for what is no list of tags.
 */
function tagsIn(header: string): readonly string[] | undefined {
  if (header.trim() === '*') return undefined;
  const tags = header.split(',').map(tag => tag.trim());
  if (tags.some(tag => !/^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag))) {
    throw new ValidationError('The header If-Match cannot be used', {
      'if-match': 'Expected the ETag of the row, such as "3", several of them, or *',
    });
  }
  return tags;
}

/** The version that a tag stands for; none for a weak one (RFC 9110, 8.8.3.2) and for what no row comes to. */
function versionIn(tag: string): readonly number[] {
  const version = Number(/^"([1-9]\d{0,9})"$/.exec(tag)?.[1]);
  return version <= maxVersion ? [version] : [];
}

/**
 * On which version a change is made, from `If-Match`. Of several it is the one that the row has now.
 *
 * @throws {ValidationError} for what is no list of tags.
 * @throws {ServiceError} `VERSION_CONFLICT` when the row has none of several, or no row could have what was sent.
 */
export async function changeOptions(
  header: string | undefined,
  table: Table,
  read: () => Promise<unknown>,
): Promise<{ readonly expectedVersion?: number | undefined }> {
  const tags = header === undefined ? undefined : tagsIn(header);
  if (tags === undefined) return {};
  const versions = tags.flatMap(versionIn);
  // Of a single version the statement that makes the change finds out by itself.
  if (tags.length === 1 && versions.length === 1) return { expectedVersion: versions[0] };
  const row = await read();
  const version = versionOf(table, row);
  if (versions.includes(version)) return { expectedVersion: version };
  throw new ServiceError(conflictOf(table, tags, versions), 'VERSION_CONFLICT', {
    details: {
      resource_type: table.resource,
      resource_id: String((row as Readonly<Record<string, unknown>>)[table.key.field]),
      expected_versions: versions,
    },
  });
}

/** Why no tag is the one of the row. */
function conflictOf({ resource }: Table, tags: readonly string[], versions: readonly number[]): string {
  const advice = 'send the ETag that the row was answered with, such as "3"';
  if (tags.some(tag => tag.startsWith('W/'))) return `A weak tag never matches in If-Match: ${advice}`;
  if (versions.length < tags.length) return `A tag in If-Match is no version and never matches: ${advice}`;
  return `${resource} has none of the versions in If-Match any more: read it again`;
}
