import type { JSX, TargetedSubmitEvent } from 'preact';
import type { Drafts } from '../console-store.ts';
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
  const { evidence } = store.view.drafts;
  const draft = (change: Partial<Drafts['evidence']>): void => {
    store.draft({ evidence: { ...store.view.drafts.evidence, ...change } });
  };
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const { name, condition, stage } = store.view.drafts.evidence;
    if (name.trim() === '') return;
    void store.ask('evidence', evidenceQuestion(name.trim(), condition.trim(), stage.trim()));
  };
  return (
    <>
      <form onSubmit={submit}>
        <div class="try-row">
          <Field
            label="Medication"
            hint="a trade name or an ingredient"
            value={evidence.name}
            onValue={name => draft({ name })}
            required
          />
          <Field
            label="Condition"
            hint="any, or such as nsclc"
            value={evidence.condition}
            onValue={condition => draft({ condition })}
          />
          <Field
            label="Stage"
            hint="any, or such as stage_iv"
            value={evidence.stage}
            onValue={stage => draft({ stage })}
          />
          <button type="submit" class="primary" aria-disabled={store.isAsking('evidence')}>
            Gather evidence
          </button>
        </div>
        <Examples
          examples={examples.map(example => ({
            text: Object.values(example).filter(Boolean).join(', '),
            chosen: Object.entries(example).every(
              ([field, value]) => evidence[field as keyof typeof example] === value,
            ),
            choose: () => draft(example),
          }))}
        />
      </form>
      <EvidenceAnswer store={store} />
    </>
  );
}
