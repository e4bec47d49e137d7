/**
 * The end of a message about an unknown name: the known name that was probably meant, or else nothing.
 *
 * @example
 * didYouMean('MEDAUG_CACH_TTL', ['MEDAUG_CACHE_TTL']); // '; did you mean MEDAUG_CACHE_TTL?'
 */
export function didYouMean(name: string, known: readonly string[]): string {
  let best: string | undefined;
  let fewest = Math.min(3, Math.ceil(name.length / 3)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= fewest) continue;
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return best === undefined ? '' : `; did you mean ${best}?`;
}

/** Levenshtein's distance: how many characters must be added, removed or replaced. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
