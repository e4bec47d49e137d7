import { looksSecret, SecretKeys } from './secret-keys.ts';
import { redactPairs } from './secret-pairs.ts';
import { cardNumber, privateKeyBlock, redacted, type SecretPattern, secretTokens } from './secret-tokens.ts';

/** What a {@link Redactor} hides besides what it always hides. */
export interface RedactorOptions {
  /** Further key names whose values are hidden at any depth; case, dashes and underscores do not matter. @default [] */
  readonly keys?: readonly string[] | undefined;
  /** Further patterns hidden in every string. Their speed is the caller's matter: avoid nested quantifiers. @default [] */
  readonly patterns?: readonly RegExp[] | undefined;
}

/** How many characters of a string reach a line. */
const maxCharacters = 16_384;

/** A secret that begins before the cut must be seen whole to be recognised, so that much more is read than is kept. */
const overlap = 4_096;

// A string without any of these holds no secret of the kinds below. It keeps ordinary messages at one quick test.
const mayHold = /[=:@\d]|[Bb](?:earer|asic) |BE(?:ARER) |BASIC |-----B| --?[a-z]| (?:is|was) /;
const mayHoldPair = /[=:]|(?:^|\s)--?[a-z]| (?:is|was) /;
const secretWord =
  /pass|pwd|secret|token|key|auth|cookie|cred|sess|sid|jwt|card|cc|cv[vc]|csc|pin|pan|otp|ssn|social|bearer|mnemonic|phrase|code|sig|connection|srf|(?:-u|--user)\s/i;

const credentials: SecretPattern = {
  pattern: /\b(bearer|basic|apikey|negotiate)(\s{1,3})([\w.~+/-]{6,4096}={0,2})/gi,
  replace: (match, scheme, space, value) => (looksSecret(value ?? '') ? `${scheme}${space}${redacted}` : match),
};

const passwordInUrl: SecretPattern = {
  pattern: /:\/\/([^\s/?#:@"'<>]{0,256}):([^\s/?#"'<>]{1,1024})@/g,
  replace: (match, user, password) => (/^\$?\{.*\}$|^\*+$/.test(password ?? '') ? match : `://${user}:${redacted}@`),
};

const tokenInUrl: SecretPattern = {
  pattern: /:\/\/([\w~.-]{16,512})@/g,
  replace: (match, user) => (/\d/.test(user ?? '') && /[A-Za-z]/.test(user ?? '') ? `://${redacted}@` : match),
};

/**
 * Hides secrets in text: by the name in front of a value, and by the shape of the value itself. Ordinary text is left as
 * it is. All built-in patterns are linear in the length of the text.
 *
 * @example
 * new Redactor().text('retry with password=hunter2'); // 'retry with password=[redacted]'
 */
export class Redactor {
  readonly keys: SecretKeys;
  readonly #patterns: readonly RegExp[];
  readonly #hasOwnKeys: boolean;

  constructor(options: RedactorOptions = {}) {
    this.keys = new SecretKeys(options.keys);
    this.#hasOwnKeys = (options.keys ?? []).length > 0;
    this.#patterns = (options.patterns ?? []).map(
      pattern => new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`),
    );
  }

  /** The text without its secrets, cut to the largest size that is kept. */
  text(text: string): string {
    if (text.length < 6 && this.#patterns.length === 0) return text;
    if (text.length <= maxCharacters) return this.#hide(text);
    return cutText(this.#hide(text.slice(0, maxCharacters + overlap)), text.length);
  }

  #hide(text: string): string {
    let result = text;
    if (mayHold.test(result)) {
      if (result.includes('-----BEGIN ')) result = apply(privateKeyBlock, result);
      if (result.includes('://')) result = apply(tokenInUrl, apply(passwordInUrl, result));
      if (mayHoldPair.test(result) && (this.#hasOwnKeys || secretWord.test(result)))
        result = redactPairs(result, this.keys);
      result = hideByShape(result);
    }
    for (const pattern of this.#patterns) result = result.replace(pattern, redacted);
    return result;
  }
}

/** The part of a text that reaches a line, and how long it was. */
export function cutText(text: string, fullLength: number = text.length): string {
  if (fullLength <= maxCharacters) return text;
  return `${text.slice(0, maxCharacters)}…[of ${fullLength} characters]`;
}

function hideByShape(text: string): string {
  let result = apply(credentials, text);
  if (!/\d/.test(result)) return result;
  for (const token of secretTokens) result = apply(token, result);
  return apply(cardNumber, result);
}

function apply({ pattern, replace }: SecretPattern, text: string): string {
  return text.replace(pattern, replace);
}
