/**
 * A key in as few words as tell what was asked. The key of an HTTP call is its whole address: what stands in quotes in it
 * is mostly what a person asked for, else the path says most.
 */
export function keyInWords(key: string): string {
  const address = /^[A-Z]+ https?:\/\/[^/ ]+(\S*)/.exec(key)?.[1];
  if (address === undefined) return key;
  const text = decoded(address);
  return /"([^"]+)"/.exec(text)?.[1] ?? text;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
