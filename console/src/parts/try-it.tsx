import type { JSX, TargetedSubmitEvent } from 'preact';
import { Answer } from './answer.tsx';
import type { StoreProps } from './store-props.ts';

const examples = ['osimertinib', 'pembrolizumab', 'imatinib', 'metformin', 'semaglutide', 'no such drug'];
const manyTimes = 50;

/** The bar that asks the service a question, and what the answer cost. */
export function TryIt({ store }: StoreProps): JSX.Element {
  const { asking } = store;
  const { draft } = store.view;
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    // Read now and not when it was drawn: who types fast presses Enter before the next frame.
    const asked = store.view.draft.trim();
    const many = (event.submitter as HTMLButtonElement | null)?.value === 'many';
    if (asked !== '') void store.askMany(asked, many ? manyTimes : 1);
  };
  return (
    <section class="try" aria-labelledby="try-title">
      <form onSubmit={submit}>
        <h2 id="try-title">Try it</h2>
        <div class="try-row">
          <label class="visually-hidden" for="medication">
            Medication name
          </label>
          <input
            id="medication"
            type="search"
            placeholder="Medication name"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            required
            maxLength={200}
            value={draft}
            onInput={event => store.update({ draft: event.currentTarget.value })}
          />
          <button type="submit" class="primary" value="once" aria-disabled={asking}>
            Ask once
          </button>
          <button type="submit" value="many" aria-disabled={asking} title="A browser sends about six of them at a time">
            Ask {manyTimes} times at once
          </button>
        </div>
        <fieldset class="examples">
          <legend class="visually-hidden">Examples</legend>
          {examples.map(example => (
            <button
              key={example}
              type="button"
              class="example"
              aria-pressed={draft === example}
              onClick={() => store.update({ draft: example })}
            >
              {example}
            </button>
          ))}
        </fieldset>
      </form>
      <Answer store={store} />
    </section>
  );
}
