/**
 * What a key's name says about its value:
 * - `secret`: the value is hidden;
 * - `plural`: hidden unless it is a number (`tokens: 512` is a count, `tokens: ['…']` is not);
 * - `weak`: hidden when it looks random (`algolia_key`);
 * - `plain`: shown.
 */
export type KeyKind = 'secret' | 'plural' | 'weak' | 'plain';

const exact = new Set(
  (
    'pin pan cvv cvc cvv2 cvc2 csc otp totp mfacode ssn jwt sid sessid csrf xsrf bearer creds sig ' +
    'xamzsignature xgoogsignature xhubsignature xhubsignature256'
  ).split(' '),
);

const secretEnding = new RegExp(
  `(?:${[
    'passw(?:or)?d|passphrase|passcode|pwd|secret|token|credential|cookie|jwt|authorization',
    '(?:api|app|auth|access|account|private|secret|shared|signing|signature|encryption|decryption|master|client|service|admin|session|license|webhook|integration|subscription|rsa|ssh|pgp|gpg|hmac|jwt|deploy)key',
    '(?:user|db|sql|redis|mongo|mail|smtp|ftp|ssh|root|admin)pass|(?:auth|authorization|bearer)header|(?:session|sess)id|connectionstring|sastoken',
    'creditcard|cardnumber|cardno|ccnumber|ccnum|securitycode|socialsecuritynumber|socialsecurity',
    'mnemonic|seedphrase|recoveryphrase|recoverycode|backupcode|verificationcode|onetimecode',
  ].join('|')})$`,
);

/** Endings that say how the secret is written down, not what it is. */
const writtenAs =
  /(?:value|header|plain|plaintext|raw|string|text|hash|digest|base64|b64|confirmation|confirm|\d{1,3})$/;

/** Names that end like a secret and are none: cursors, vocabulary of language models, identifiers of rows and caches. */
const harmlessEnding = new RegExp(
  `(?:${[
    '(?:page|next|continuation|continue|sync|resume|cursor|cancell?ation|cancel|stop|eos|bos|pad|unk|mask|first|last|per|unexpected|invalid|syntax)tokens?',
    '(?:public|primary|foreign|partition|sort|cache|hash|idempotency|lookup|object|storage|file|unique|group|row|dedup|deduplication|routing|sorting|map|dictionary|config|setting|settings|message|event|record|entity|item|index|redis|s3|bucket|metric|label|translation|i18n|registry|publishable|hot|press|arrow|shortcut|composite|natural|surrogate|join|shard|range|column|field|property|header|attribute|tag|trace|span|correlation|request|query|search|feature|flag|limit|rate|lock|job|queue|topic|user|tenant|order)keys?',
    '(?:fig|gin)er(?:print)?',
  ].join('|')})$`,
);

/** Tells which keys name secrets: case, dashes, underscores and dots do not matter. Remembers its answers. */
export class SecretKeys {
  readonly #extra: ReadonlySet<string>;
  readonly #known = new Map<string, KeyKind>();

  constructor(extraKeys: readonly string[] = []) {
    this.#extra = new Set(extraKeys.map(normalize));
  }

  /** The kind of a key. Keys are judged by their last 128 characters. */
  kindOf(key: string): KeyKind {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const kind = this.#classify(normalize(key), lastWord(key));
    if (key.length <= 64) {
      if (this.#known.size >= 2_000) this.#known.clear();
      this.#known.set(key, kind);
    }
    return kind;
  }

  #classify(name: string, word: string): KeyKind {
    if (this.#extra.has(name)) return 'secret';
    if (harmlessEnding.test(name)) return 'plain';
    if (name === 'pass' || name === 'passes') return 'plural';
    if (exact.has(name) || exact.has(word) || secretEnding.test(name) || secretEnding.test(name.replace(writtenAs, '')))
      return 'secret';
    if (name.endsWith('s') && secretEnding.test(name.slice(0, -1))) return 'plural';
    return /(?:key|keyid|auth|session)$/.test(name) ? 'weak' : 'plain';
  }
}

/** `pin` of `card_pin` and of `cardPin`, but not of `spin`. */
function lastWord(key: string): string {
  const words = key
    .slice(-128)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/);
  return (words.at(-1) ?? '').toLowerCase();
}

function normalize(key: string): string {
  return key
    .slice(-128)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}

const stopWords = new Set(
  (
    'required missing invalid expired incorrect wrong empty changed updated reset ok valid failed denied revoked rejected ' +
    'accepted unknown none null nil undefined true false yes no not set unset redacted hidden masked secret optional ' +
    'string number boolean object array void unauthorized forbidden refreshed issued created deleted rotated found ' +
    'present absent enabled disabled default example placeholder mandatory authentication authorization'
  ).split(' '),
);

const placeholder =
  /^(?:<[^>]*>?|\$\{?[\w.]*\}?|\{+[\w.]*\}*|%[a-z({].*|\*+|x{3,}|\.{2,}|-+|\[(?:redacted|secret|hidden|filtered|masked).*)$/i;

/** Whether a value stands in the place of a secret but is none: `required`, `null`, `${TOKEN}`, `****`. */
export function isPlaceholder(value: string): boolean {
  return (
    value === '' ||
    (value.length <= 100 && placeholder.test(value)) ||
    stopWords.has(value.toLowerCase().replace(/[.!?:]+$/, ''))
  );
}

/** Whether a word of running text reads like a secret and not like a word: digits, inner capitals or signs among letters. */
export function looksSecret(value: string): boolean {
  if (value.length < 6 || isPlaceholder(value)) return value.length >= 4 && /^\d+$/.test(value);
  if (/\d/.test(value) || /[a-z][A-Z]/.test(value)) return true;
  return /[!@#$%^&*+=~]/.test(value.slice(0, -1)) || value.length >= 24;
}

/** Whether a value is long and mixed enough to be generated, and is not a UUID. */
export function looksRandom(value: string): boolean {
  if (value.length < 16 || value.length > 512 || !/^[\w.~+/=-]+$/.test(value)) return false;
  if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value)) return false;
  if (/^[0-9a-f]{32,}$/i.test(value)) return true;
  const digits = value.replace(/\D/g, '').length;
  return (
    digits >= 2 &&
    /[A-Za-z]/.test(value) &&
    value.length >= 20 &&
    !/[/.].*[/.]/.test(value) &&
    !/^\d{4}-\d\d-/.test(value)
  );
}
