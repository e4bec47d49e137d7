import type { JSX } from 'preact';

export interface ExamplesProps {
  readonly examples: readonly { readonly text: string; readonly chosen: boolean; readonly choose: () => void }[];
}

/** What can be put into a field with one press. */
export function Examples({ examples }: ExamplesProps): JSX.Element {
  return (
    <fieldset class="examples">
      <legend class="visually-hidden">Examples</legend>
      {examples.map(({ text, chosen, choose }) => (
        <button key={text} type="button" class="example" aria-pressed={chosen} onClick={choose}>
          {text}
        </button>
      ))}
    </fieldset>
  );
}
