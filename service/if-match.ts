import type { Table } from 'plinth/crud';
import { ValidationError } from 'plinth/errors';
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
 * The versions that `If-Match` allows a change to be made on; `undefined` for whichever. Weak tags are none (RFC 9110).
 *
 * @throws {ValidationError} for what is no list of tags.
 */
function versionsIn(header: string): readonly number[] | undefined {
  if (header.trim() === '*') return undefined;
  const tags = header.split(',').map(tag => tag.trim());
  if (tags.some(tag => !/^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag))) {
    throw new ValidationError('The header If-Match cannot be used', {
      'if-match': 'Expected the ETag of the row, such as "3", several of them, or *',
    });
  }
  return tags.flatMap(tag => {
    const version = Number(/^"(0|[1-9]\d{0,9})"$/.exec(tag)?.[1]);
    return version <= maxVersion ? [version] : [];
  });
}

/**
 * On which version a change is made, from `If-Match`. Of several it is the one that the row has now.
 *
 * @throws {ValidationError} for what is no list of tags.
 */
export async function changeOptions(
  header: string | undefined,
  table: Table,
  read: () => Promise<unknown>,
): Promise<{ readonly expectedVersion?: number | undefined }> {
  const versions = header === undefined ? undefined : versionsIn(header);
  if (versions === undefined || versions.length === 1) return { expectedVersion: versions?.[0] };
  const version = versionOf(table, await read());
  // No row has the version 0.
  return { expectedVersion: versions.includes(version) ? version : 0 };
}
