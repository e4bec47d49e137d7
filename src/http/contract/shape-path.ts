/** One step from a value to what is in it. */
export type Step = 'elements' | 'rest' | { readonly key: string };

const word = /^[^.[\]*"\s$\p{C}]+$/u;
const piece = /(\[\])|\[("(?:[^"\\]|\\.)*")\]|(\.?\*)|\.?([^.[\]*"\s$\p{C}]+)/uy;

/** Steps as text. */
export function pathOf(steps: readonly Step[]): string {
  return steps.reduce(joinPath, '$');
}

/** The path of what is one step below another. */
export function joinPath(path: string, step: Step): string {
  const above = path === '$' ? '' : path;
  if (step === 'elements') return `${above}[]`;
  const dot = above === '' ? '' : '.';
  if (step === 'rest') return `${above}${dot}*`;
  return word.test(step.key) ? `${above}${dot}${step.key}` : `${above}[${JSON.stringify(step.key)}]`;
}

/** Text as steps, or `undefined` when it is none that {@link pathOf} writes. */
export function parsePath(path: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  const text = path === '$' ? '' : path;
  const pieces = new RegExp(piece);
  while (pieces.lastIndex < text.length) {
    const [, elements, quoted, rest, key] = pieces.exec(text) ?? [];
    if (elements) steps.push('elements');
    else if (rest) steps.push('rest');
    else if (key) steps.push({ key });
    else if (quoted) steps.push({ key: unquote(quoted) });
    else return undefined;
  }
  return pathOf(steps) === path ? steps : undefined;
}

function unquote(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return '';
  }
}
