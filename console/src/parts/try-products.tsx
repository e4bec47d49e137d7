import type { JSX, TargetedSubmitEvent } from 'preact';
import { productsQuestion } from '../questions.ts';
import { Examples } from './examples.tsx';
import { Field } from './field.tsx';
import { ProductsAnswer } from './products-answer.tsx';
import type { StoreProps } from './store-props.ts';

const examples = ['osimertinib', 'pembrolizumab', 'imatinib', 'metformin', 'semaglutide', 'no such drug'];
const manyTimes = 50;

/** Asks for the products of a name, once or many times at once. */
export function TryProducts({ store }: StoreProps): JSX.Element {
  const asking = store.isAsking('products');
  const { name } = store.view.drafts;
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    // Read now and not when it was drawn: who types fast presses Enter before the next frame.
    const asked = store.view.drafts.name.trim();
    const many = (event.submitter as HTMLButtonElement | null)?.value === 'many';
    if (asked !== '') void store.ask('products', productsQuestion(asked), many ? manyTimes : 1);
  };
  return (
    <>
      <form onSubmit={submit}>
        <div class="try-row">
          <Field
            label="Medication"
            hint="a trade name or an ingredient"
            value={name}
            onValue={to => store.draft({ name: to })}
            required
          />
          <button type="submit" class="primary" value="once" aria-disabled={asking}>
            Ask once
          </button>
          <button type="submit" value="many" aria-disabled={asking} title="A browser sends about six of them at a time">
            Ask {manyTimes} times at once
          </button>
        </div>
        <Examples
          examples={examples.map(text => ({ text, chosen: name === text, choose: () => store.draft({ name: text }) }))}
        />
      </form>
      <ProductsAnswer store={store} />
    </>
  );
}
