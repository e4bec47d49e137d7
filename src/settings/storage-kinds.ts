import type { Secret } from '../kernel/index.ts';
import { secret, textKind, type ValueKind } from './value-kind.ts';

/** An extension of files, as it stands in names: in lower case, with its dot. */
export const fileExtension: ValueKind<string> = textKind({
  expected: 'an extension such as .pdf',
  parse: text => (/^\.?[A-Za-z0-9]{1,16}$/.test(text) ? `.${text.replace('.', '').toLowerCase()}` : undefined),
});

/** A key that files are encrypted with: its name, and 32 random bytes as base64 or base64url. */
export const fileKey: ValueKind<Secret> = secret(
  'a key as name:base64 of 32 random bytes, such as 2026a:$(openssl rand -base64 32)',
  text => /^[\w.-]{1,32}:[\w+/-]{43}=?$/.test(text),
);

/** The name of such a key. */
export function fileKeyName(key: Secret): string {
  return key.reveal().split(':')[0] ?? '';
}

/** A secret that signs links. */
export const signingSecret: ValueKind<Secret> = secret(
  'a random secret of at least 32 characters without spaces, such as openssl rand -base64 48 makes',
  text => /^[\x21-\x7e]{32,}$/.test(text),
);
