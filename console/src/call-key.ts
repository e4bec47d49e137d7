/**
 * A key in as few words as tell what was asked. The key of an HTTP call is its whole address: the condition of a query in
 * it, or what stands in quotes, is mostly what a person asked for, else the path says most.
 */
export function keyInWords(key: string): string {
  const address = /^[A-Z]+ https?:\/\/[^/ ]+(\S*)/.exec(key)?.[1];
  if (address === undefined) return key;
  const text = decoded(address);
  const condition = /[?&]\$where=([^&]+)/.exec(text)?.[1];
  if (condition !== undefined) return conditionInWords(condition);
  return /"([^"]+)"/.exec(text)?.[1] ?? text;
}

/** `boro = '1' AND lot in ('055','0055')` as `boro 1 lot 055 0055`. */
function conditionInWords(condition: string): string {
  return condition
    .replace(/\b(?:AND|in)\b|[=(),']/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
