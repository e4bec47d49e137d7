import type { JSX, TargetedSubmitEvent } from 'preact';
import { propertyQuestion } from '../questions.ts';
import { Examples } from './examples.tsx';
import { Field } from './field.tsx';
import { PropertyAnswer } from './property-answer.tsx';
import type { StoreProps } from './store-props.ts';

const examples = ['1007200055', '1-00720-0055', '1015167502', '6-00001-0001'];

/** Asks for the violations of a tax lot. */
export function TryProperty({ store }: StoreProps): JSX.Element {
  const { bbl, activeOnly } = store.view.drafts;
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const { drafts } = store.view;
    const lot = drafts.bbl.trim();
    if (lot !== '') void store.ask('property', propertyQuestion(lot, drafts.activeOnly));
  };
  return (
    <>
      <form onSubmit={submit}>
        <div class="try-row">
          <Field
            id="bbl"
            label="BBL: borough, block and lot"
            value={bbl}
            onValue={to => store.draft({ bbl: to })}
            required
          />
          <label class="check-field">
            <input
              type="checkbox"
              checked={activeOnly}
              onChange={event => store.draft({ activeOnly: event.currentTarget.checked })}
            />
            Active only
          </label>
          <button type="submit" class="primary" aria-disabled={store.isAsking('property')}>
            Look up
          </button>
        </div>
        <Examples
          examples={examples.map(text => ({ text, chosen: bbl === text, choose: () => store.draft({ bbl: text }) }))}
        />
      </form>
      <PropertyAnswer store={store} />
    </>
  );
}
