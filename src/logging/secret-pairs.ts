import { isPlaceholder, looksRandom, looksSecret, type SecretKeys } from './secret-keys.ts';
import { redacted } from './secret-tokens.ts';

/** How far a value is read to decide about it. What is hidden is then hidden to its end, and not read again. */
const maxRead = 520;

// A name, perhaps with the word before it (`api key`), a separator, and perhaps an opening quote (escaped in nested JSON).
const pairStart =
  /(?<!\w)((?:[A-Za-z]{2,20} )?[A-Za-z_][\w.-]{1,100})(\\{0,3}["'`\]]{0,2})(\s{0,3}(?::=|=>|={1,3}|:)\s{0,3}|\s{1,2}(?:is|was)\s{1,2})(\\{0,3}["'`]?)/g;

const flagStart = /(?<=\s|^)--?([A-Za-z][\w-]{0,60})\s{1,3}(?!-)(["']?)/g;

const bareStart = /[^\s"'`<>,;&)}\]\\]{0,520}/y;
const bareRest = /[^\s"'`<>,;&)}\]\\]*/y;
const cookieStart = /[^\s=;]{1,200}=/y;
const wholeLine = /[^\r\n]*/y;
const restOfLine = /[^\r\n"'`\\]*/y;
const credentialWords = /(?:[A-Za-z][\w-]{1,30} {1,3})?[^\s,"'`]*/y;
const parameterScheme = /^(?:Digest|OAuth|Hawk|Signature|AWS4[\w-]*|GNAP|SharedKey\w*|SharedAccessSignature) /i;

/** Hides the values of pairs whose name says that they are secret: `password=…`, `"token": "…"`, `Cookie: …`, `--api-key …`. */
export function redactPairs(text: string, keys: SecretKeys): string {
  return replaceValues(replaceValues(text, pairStart, pairValueEnd(keys)), flagStart, flagValueEnd(keys));
}

/** Where the value that starts at `start` ends, when it is to be hidden; -1 when it is to be shown. */
type ValueEnd = (text: string, match: RegExpExecArray, start: number) => number;

function replaceValues(text: string, opening: RegExp, valueEnd: ValueEnd): string {
  let result = '';
  let copied = 0;
  opening.lastIndex = 0;
  for (let match = opening.exec(text); match !== null; match = opening.exec(text)) {
    const start = opening.lastIndex;
    const end = valueEnd(text, match, start);
    if (end <= start) continue;
    result += text.slice(copied, start) + redacted;
    copied = end;
    opening.lastIndex = end;
  }
  return copied === 0 ? text : result + text.slice(copied);
}

function pairValueEnd(keys: SecretKeys): ValueEnd {
  return (text, match, start) => {
    const [, name = '', , separator = '', quote = ''] = match;
    const kind = keys.kindOf(name);
    if (kind === 'plain') return -1;
    const end = endOfValue(text, start, name, quote, kind === 'weak');
    const value = text.slice(start, Math.min(end, start + maxRead));
    if (isPlaceholder(value) || (kind === 'plural' && /^[\d.]+%?$/.test(value))) return -1;
    if (kind === 'weak') return looksRandom(value) ? end : -1;
    if (quote !== '' && !/[is]/.test(separator)) return end;
    const isCall = text[end] === ')' && /^[A-Za-z_$][\w.$]*\([\w.$]*$/.test(value);
    return isCall || isShown(value, name, separator) ? -1 : endOf(bareRest, text, end);
  };
}

function endOfValue(text: string, start: number, name: string, quote: string, isWeak: boolean): number {
  if (quote !== '') return endOfQuoted(text, start, quote, isWeak ? maxRead : text.length);
  if (/cookie$/i.test(name)) return endOf(cookieStart, text, start) === start ? start : endOf(restOfLine, text, start);
  if (!/authorization$/i.test(name))
    return text[start] === '[' ? endOfList(text, start) : endOf(bareStart, text, start);
  return endOf(parameterScheme.test(text.slice(start, start + 40)) ? wholeLine : credentialWords, text, start);
}

/** Whether an unquoted value is prose or code and not a secret. */
function isShown(value: string, name: string, separator: string): boolean {
  if (value.startsWith('{') || /^(?:process\.env|os\.environ|env)\b.{0,80}$/.test(value)) return true;
  if (/pwd$/i.test(name) && /^[~/]/.test(value)) return true;
  if (/cookie$/i.test(name)) return false;
  if (/authorization$/i.test(name)) return !parameterScheme.test(value) && !value.split(/\s+/).some(looksSecret);
  return separator.trim() !== '=' && !looksSecret(value.replace(/[.!?:]+$/, ''));
}

function flagValueEnd(keys: SecretKeys): ValueEnd {
  return (text, match, start) => {
    const [, name = '', quote = ''] = match;
    const userAndPassword =
      (name === 'u' || name === 'user') && /^[^\s:]{1,100}:[^\s/]/.test(text.slice(start, start + 110));
    if (!userAndPassword && keys.kindOf(name) !== 'secret') return -1;
    const end = quote === '' ? endOf(bareStart, text, start) : endOfQuoted(text, start, quote, text.length);
    return isPlaceholder(text.slice(start, Math.min(end, start + maxRead))) ? -1 : end;
  };
}

function endOf(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  return start + (pattern.exec(text)?.[0].length ?? 0);
}

function endOfList(text: string, start: number): number {
  const end = text.indexOf(']', start);
  return end === -1 || end - start > maxRead ? endOf(bareStart, text, start) : end + 1;
}

function endOfQuoted(text: string, start: number, quote: string, maxLength: number): number {
  const limit = Math.min(text.length, start + maxLength);
  for (let index = start; index < limit; index += 1) {
    if (quote.length === 1 && text[index] === '\\') index += 1;
    else if (text.startsWith(quote, index)) return index;
  }
  return limit;
}
