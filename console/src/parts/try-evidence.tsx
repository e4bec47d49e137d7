import type { JSX, TargetedSubmitEvent } from 'preact';
import { evidenceQuestion } from '../questions.ts';
import { EvidenceAnswer } from './evidence-answer.tsx';
import { Examples } from './examples.tsx';
import { Field } from './field.tsx';
import type { StoreProps } from './store-props.ts';

const examples = [
  { name: 'osimertinib', condition: '', stage: '' },
  { name: 'osimertinib', condition: 'nsclc', stage: '' },
  { name: 'osimertinib', condition: 'nsclc', stage: 'stage_iv' },
  { name: 'pembrolizumab', condition: 'melanoma', stage: '' },
];

/** Asks every source what it knows of a medication. */
export function TryEvidence({ store }: StoreProps): JSX.Element {
  const drafts = store.view.drafts;
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const { name, condition, stage } = store.view.drafts;
    if (name.trim() === '') return;
    void store.ask('evidence', evidenceQuestion(name.trim(), condition.trim(), stage.trim()));
  };
  return (
    <>
      <form onSubmit={submit}>
        <div class="try-row">
          <Field
            id="medication"
            label="Medication name"
            value={drafts.name}
            onValue={name => store.draft({ name })}
            required
          />
          <Field
            id="condition"
            label="Condition, if any"
            value={drafts.condition}
            onValue={condition => store.draft({ condition })}
          />
          <Field id="stage" label="Its stage, if any" value={drafts.stage} onValue={stage => store.draft({ stage })} />
          <button type="submit" class="primary" aria-disabled={store.isAsking('evidence')}>
            Gather evidence
          </button>
        </div>
        <Examples
          examples={examples.map(example => ({
            text: Object.values(example).filter(Boolean).join(', '),
            chosen: Object.entries(example).every(([field, value]) => drafts[field as keyof typeof example] === value),
            choose: () => store.draft(example),
          }))}
        />
      </form>
      <EvidenceAnswer store={store} />
    </>
  );
}
