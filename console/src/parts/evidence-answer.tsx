import type { JSX } from 'preact';
import { groupFacts } from '../evidence-groups.ts';
import type { EvidenceReport } from '../evidence-wire.ts';
import { formatCount, formatCounted, formatMoment } from '../format.ts';
import { AnswerLinks } from './answer-links.tsx';
import { AskOutcome } from './ask-outcome.tsx';
import { Chip } from './chip.tsx';
import { Fact } from './fact.tsx';
import { ShowMore, shownOf } from './show-more.tsx';
import { type SourceLine, Sources } from './sources.tsx';
import type { StoreProps } from './store-props.ts';

const shownAtFirst = 3;

/** What the sources know, by its kind, each fact with where it is from. */
export function EvidenceAnswer({ store }: StoreProps): JSX.Element {
  const ask = store.view.asks.evidence;
  if (!ask) {
    return (
      <p class="answer-hint">
        What FDA, ClinicalTrials.gov, NCCN and OncoKB know appears here, each fact with its source. A source that fails
        leaves the others as they are.
      </p>
    );
  }
  const answer = ask.replies.find(reply => reply.answer)?.answer;
  const headline = answer && (
    <>
      {answer.facts.length === 0 ? 'No facts' : formatCounted(answer.facts.length, 'fact')}{' '}
      {!answer.complete && <Chip tone="failed" text="incomplete" />}
    </>
  );
  return (
    <div class="answer">
      <AskOutcome store={store} ask={ask} headline={headline} />
      {answer && <Sources aligned lines={answer.sources.map(lineOf)} />}
      {answer && <FactGroups store={store} groups={groupFacts(answer.facts)} />}
      <AnswerLinks paths={[ask.question.path]} />
    </div>
  );
}

function FactGroups({
  store,
  groups,
}: StoreProps & { readonly groups: ReturnType<typeof groupFacts> }): readonly JSX.Element[] {
  return groups.map(({ kind, title, facts }) => {
    const beginning = { list: `evidence ${kind}`, first: shownAtFirst };
    return (
      <section key={kind} class="fact-group">
        <h3>
          {title} <span class="quiet">{formatCount(facts.length)}</span>
        </h3>
        <ul>
          {shownOf(store, beginning, facts).map((fact, index) => (
            <Fact key={index} fact={fact} />
          ))}
        </ul>
        <ShowMore store={store} {...beginning} total={facts.length} of={title.toLowerCase()} />
      </section>
    );
  });
}

function lineOf(report: EvidenceReport): SourceLine {
  const { source, status, found, shown, origin, freshness, fetchedAt, note, errorCode } = report;
  const facts = [
    origin?.replace('-', ' '),
    status === 'answered' && `${formatCount(found)} found`,
    // Facts that two sources know stand under one of them.
    shown > 0 && shown < found && `${formatCount(shown)} shown`,
    fetchedAt !== null && `fetched ${formatMoment(fetchedAt)}`,
    note,
  ];
  return { name: source, status, errorCode, freshness, facts };
}
