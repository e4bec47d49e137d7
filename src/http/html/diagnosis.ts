import type { SelectorStep } from './errors.ts';
import { type Prefix, prefixesOf } from './selector-steps.ts';
import type { TreeElement } from './tree.ts';

/** How many elements are looked at to say what is there instead, and how many kinds of them are named. */
const lookedAt = 1_000;
const namedKinds = 8;
const namedAlternatives = 4;

/** What is known about a selector that does not match as it should. */
export interface Diagnosis {
  readonly steps: readonly SelectorStep[];
  readonly instead: readonly SelectorStep[];
}

/** Finds out which part of a selector still matches, and what is where the next one was expected. */
export function diagnose(
  selector: string,
  find: (selector: string) => readonly TreeElement[],
  top: readonly TreeElement[],
): Diagnosis {
  const alternatives = prefixesOf(selector).slice(0, namedAlternatives);
  const found = alternatives.map(prefixes => follow(prefixes, find, top));
  const lost = found.find(({ instead }) => instead.length > 0);
  return { steps: found.flatMap(({ steps }) => steps), instead: kindsOf(lost?.instead ?? []) };
}

interface Followed {
  readonly steps: readonly SelectorStep[];
  /** What is there instead of the first part that matches nothing. */
  readonly instead: readonly TreeElement[];
}

function follow(
  prefixes: readonly Prefix[],
  find: (selector: string) => readonly TreeElement[],
  top: readonly TreeElement[],
): Followed {
  const steps: SelectorStep[] = [];
  let around = top;
  let partial: { readonly step: SelectorStep; readonly elements: readonly TreeElement[] } | undefined;
  for (const { selector, isWhole } of prefixes) {
    const elements = find(selector);
    const step = { selector, matches: elements.length };
    if (isWhole && elements.length === 0) {
      // Half of the compound matches: those elements have been renamed. Otherwise something else is in their place.
      const instead = partial?.elements ?? around.slice(0, lookedAt).flatMap(childrenOf);
      return { steps: [...steps, ...(partial === undefined ? [] : [partial.step]), step], instead };
    }
    if (isWhole) {
      steps.push(step);
      around = elements;
      partial = undefined;
    } else if (elements.length > 0) {
      partial = { step, elements };
    }
  }
  return { steps, instead: [] };
}

function childrenOf(element: TreeElement): TreeElement[] {
  return element.children.filter((child): child is TreeElement => child.type === 'tag');
}

/** The commonest kinds of elements, as selectors. */
function kindsOf(elements: readonly TreeElement[]): readonly SelectorStep[] {
  const counts = new Map<string, number>();
  for (const element of elements.slice(0, lookedAt)) {
    const kind = kindOf(element);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, one], [, other]) => other - one);
  return sorted.slice(0, namedKinds).map(([selector, matches]) => ({ selector, matches }));
}

function kindOf({ name, attribs }: TreeElement): string {
  const id = attribs['id'] ? `#${attribs['id']}` : '';
  const classes = (attribs['class'] ?? '').split(/\s+/).filter(Boolean).slice(0, 4);
  return [name + id, ...classes].join('.').slice(0, 60);
}
