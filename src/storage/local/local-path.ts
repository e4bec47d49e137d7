import { createHash } from 'node:crypto';

/** From this length on a name is cut and made unique by a hash; file systems take 255. */
const maxNameLength = 240;

/** What is left of a name that is cut. */
const cutLength = 160;

/** Marks folders, so that a file and a folder of the same name do not meet. No escaped name begins with it. */
const folderMark = '+';

/** Stands before the hash of a name that was cut. No escaped name contains it. */
const cutMark = '=';

/** What a name in a folder of the store stands for. */
export interface LocalName {
  readonly isFolder: boolean;
  /** The part of the key, or `undefined` when the name was cut: then a file's header knows it. */
  readonly segment: string | undefined;
}

/**
 * The path of a key below the store's folder, with `/`: one folder for each part but the last. Everything but small letters,
 * digits, `_`, `-` and `.` is escaped, so that names which some file systems take for the same stay apart.
 */
export function localPathOf(key: string): readonly string[] {
  const segments = key.split('/');
  return segments.map((segment, index) => nameOf(segment, index < segments.length - 1 ? folderMark : ''));
}

/** Reads a name that {@link localPathOf} made; `undefined` for any other. */
export function parseLocalName(name: string): LocalName | undefined {
  const isFolder = name.startsWith(folderMark);
  const escaped = isFolder ? name.slice(1) : name;
  if (/^[\w.^%-]+=[\da-f]{40}$/.test(escaped)) return { isFolder, segment: undefined };
  if (!/^(?:[a-z\d_.-]|\^[a-z]|%[\da-f]{2})+$/.test(escaped)) return undefined;
  return { isFolder, segment: unescaped(escaped) };
}

function nameOf(segment: string, mark: string): string {
  const escaped = escapeSegment(segment);
  if (escaped.length <= maxNameLength) return mark + escaped;
  return `${mark}${escaped.slice(0, cutLength)}${cutMark}${createHash('sha256').update(segment).digest('hex').slice(0, 40)}`;
}

function escapeSegment(segment: string): string {
  return segment.replaceAll(/[^a-z\d_.-]/gu, character => {
    if (character >= 'A' && character <= 'Z') return `^${character.toLowerCase()}`;
    return Buffer.from(character).toString('hex').replaceAll(/../g, '%$&');
  });
}

function unescaped(name: string): string {
  return name.replaceAll(/\^([a-z])|(?:%[\da-f]{2})+/g, (run, letter: string | undefined) =>
    letter === undefined ? Buffer.from(run.replaceAll('%', ''), 'hex').toString() : letter.toUpperCase(),
  );
}
