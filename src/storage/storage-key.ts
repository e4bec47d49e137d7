import { createHash } from 'node:crypto';
import { ValidationError } from '../errors/index.ts';

/** The longest key, in bytes of UTF-8: with a prefix in front of it, it fits into the 1,024 of S3. */
const maxKeyBytes = 900;

/** What every file system takes for one name, in bytes of UTF-8. */
const maxSegmentBytes = 255;

/** How much of a stranger's name is looked at, in characters: its beginning, and its end with the extension. */
const seenStart = 900;
const seenEnd = 100;

/** One rule for names: what breaks it, and what was expected instead. */
interface NameRule {
  readonly broken: RegExp;
  readonly expected: string;
}

const keyRules: readonly NameRule[] = [
  { broken: /\p{Surrogate}/u, expected: 'well-formed Unicode' },
  { broken: /[\p{Cc}\p{Zl}\p{Zp}]/u, expected: 'no control characters or line breaks' },
  { broken: /\p{Cf}/u, expected: 'no invisible characters, such as those that turn the direction of writing' },
  { broken: /\\/, expected: 'no backslash; folders are separated by "/"' },
  { broken: /^\//, expected: 'a relative name, without "/" at its beginning' },
  { broken: /["<>:|?*;`]/, expected: 'none of the characters " < > : | ? * ; `' },
  { broken: /%(?:u[\da-f]{4}|[\da-f]{2}|%)/i, expected: 'no percent-encoding; give the name decoded' },
];

const segmentRules: readonly NameRule[] = [
  { broken: /^$/, expected: 'no empty part between, before or behind "/"' },
  { broken: /^\.+$/, expected: 'no part that is "." or ".."' },
  { broken: /^\./, expected: 'no part that begins with a dot' },
  { broken: /^[-~]/, expected: 'no part that begins with "-" or "~"' },
  { broken: /^\p{Zs}|\p{Zs}$/u, expected: 'no part that begins or ends with a blank' },
  { broken: /\.$/, expected: 'no part that ends with a dot' },
  {
    broken: /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[\d¹²³])\p{Zs}*(?:\.|$)/iu,
    expected: 'no name that Windows keeps for devices, such as CON or NUL',
  },
];

/**
 * Refuses what cannot be the key of a file: whatever could leave a folder, mean another file on another system, or hide
 * what it is. What passes is unchanged.
 *
 * @throws {ValidationError} that says which rule is broken.
 * @example
 * requireStorageKey('invoices/2026/march.pdf');
 */
export function requireStorageKey(key: string): string {
  if (typeof key !== 'string' || key === '') throw refusal(String(key), 'a name of at least one character');
  if (Buffer.byteLength(key) > maxKeyBytes) throw refusal(key, `at most ${maxKeyBytes} bytes of UTF-8`);
  requireRules(key, key, keyRules);
  if (key !== key.normalize('NFC')) {
    throw refusal(key, "Unicode in the form NFC, so that the same name is the same text; call normalize('NFC')");
  }
  for (const segment of key.split('/')) {
    requireRules(key, segment, segmentRules);
    if (Buffer.byteLength(segment) > maxSegmentBytes) {
      throw refusal(key, `no part longer than ${maxSegmentBytes} bytes of UTF-8`);
    }
  }
  requireNoLookalikes(key);
  return key;
}

/**
 * Makes a name that `saveFile` takes out of one that a stranger has given, such as the file name of an upload: its folders
 * are left out, and what is not allowed becomes `_`. What is too long is cut in front of the extension.
 *
 * @example
 * safeFilename('..\\..\\Report "final".pdf'); // 'Report _final_.pdf'
 */
export function safeFilename(name: string): string {
  const last = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
  const seen = last.length > seenStart + seenEnd ? last.slice(0, seenStart) + last.slice(-seenEnd) : last;
  const cleaned = seen
    .normalize('NFC')
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Surrogate}]/gu, '')
    .replaceAll(/["<>:|?*;`]|%(?=%|[\da-f]{2}|u[\da-f]{4})/gi, '_')
    .replace(/^[\p{Zs}.~-]+/u, '')
    .replace(/[\p{Zs}.]+$/u, '');
  const shortened = shortenTo(maxSegmentBytes, cleaned);
  for (const candidate of [shortened, `_${shortenTo(maxSegmentBytes - 1, cleaned)}`]) {
    if (isStorageKey(candidate)) return candidate;
  }
  return `file-${createHash('sha256').update(name).digest('hex').slice(0, 12)}${extensionOf(cleaned)}`;
}

/** The extension of a name in lower case, with its dot, or nothing. */
export function extensionOf(name: string): string {
  return /[^/.]\.*(\.[a-z\d]{1,16})$/i.exec(name)?.[1]?.toLowerCase() ?? '';
}

/** Whether a name can be the key of a file. */
export function isStorageKey(name: string): boolean {
  try {
    requireStorageKey(name);
    return true;
  } catch {
    return false;
  }
}

/** Shortens in front of the extension. */
function shortenTo(maxBytes: number, name: string): string {
  if (Buffer.byteLength(name) <= maxBytes) return name;
  const extension = extensionOf(name);
  const room = new Uint8Array(maxBytes - extension.length);
  const { read } = new TextEncoder().encodeInto(name.slice(0, name.length - extension.length), room);
  return name.slice(0, read).trimEnd() + extension;
}

function requireRules(key: string, text: string, rules: readonly NameRule[]): void {
  for (const { broken, expected } of rules) if (broken.test(text)) throw refusal(key, expected);
}

/** Full-width dots and slashes: other systems may take them for the plain ones. */
function requireNoLookalikes(key: string): void {
  const plain = key.normalize('NFKC');
  const count = plain.split(/[/\\]/).length;
  if (count !== key.split('/').length || plain.split('/').some(segment => /^\.+$/.test(segment))) {
    throw refusal(key, 'no characters that stand for "/", "\\" or ".."');
  }
}

function refusal(key: string, expected: string): ValidationError {
  const shown = JSON.stringify(key.length > 100 ? `${key.slice(0, 100)}…` : key).replaceAll(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    character => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
  return new ValidationError(`Cannot use ${shown} as the name of a file: expected ${expected}`, {
    filename: `Expected ${expected}`,
  });
}
