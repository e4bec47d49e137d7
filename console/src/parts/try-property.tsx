import type { JSX, TargetedSubmitEvent } from 'preact';
import { propertyQuestion } from '../questions.ts';
import { Examples } from './examples.tsx';
import { Field } from './field.tsx';
import { PropertyAnswer } from './property-answer.tsx';
import type { StoreProps } from './store-props.ts';

const examples = [
  { bbl: '1007200055' },
  { bbl: '1-00720-0055' },
  { bbl: '1015167502' },
  { bbl: '6-00001-0001', remark: ', no such borough' },
];

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
            label="BBL"
            hint="borough, block and lot"
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
          examples={examples.map(example => ({
            text: `${example.bbl}${example.remark ?? ''}`,
            chosen: bbl === example.bbl,
            choose: () => store.draft({ bbl: example.bbl }),
          }))}
        />
      </form>
      <PropertyAnswer store={store} />
    </>
  );
}
