import type { JSX } from 'preact';
import { formatAge, formatCounted, formatMoment } from '../format.ts';
import { approvalsPath } from '../questions.ts';
import { missingSources } from '../source-outcome.ts';
import type { MedicationAnswer, SourceReport } from '../wire.ts';
import { AnswerLinks } from './answer-links.tsx';
import { AskOutcome } from './ask-outcome.tsx';
import { Chip } from './chip.tsx';
import { Products } from './products.tsx';
import { type SourceLine, Sources } from './sources.tsx';
import type { StoreProps } from './store-props.ts';

/** The products that came back, and from where. */
export function ProductsAnswer({ store }: StoreProps): JSX.Element {
  const ask = store.view.asks.products;
  if (!ask) {
    return (
      <p class="answer-hint">
        The answer appears here, beside the number of times that an outside source was really asked for it.
      </p>
    );
  }
  const answer = ask.replies.find(reply => reply.answer)?.answer;
  return (
    <div class="answer">
      <AskOutcome store={store} ask={ask} headline={answer && headline(answer)} note={answer && staleReason(answer)} />
      {answer && <Sources lines={answer.sources.map(lineOf)} />}
      {answer && answer.results.length > 0 && <Products store={store} products={answer.results} />}
      <AnswerLinks paths={[ask.question.path, approvalsPath(ask.question.about)]} />
    </div>
  );
}

function headline({ total, freshness, sources }: MedicationAnswer): JSX.Element {
  const missing = missingSources(sources);
  return (
    <>
      {total === 0 ? 'No products' : formatCounted(total, 'product')}
      {missing && ` ${missing}`}
      {freshness === 'stale' && ' '}
      {freshness === 'stale' && <Chip tone="stale" text="stale" />}
    </>
  );
}

function staleReason({ freshness, fetchedAt, reason }: MedicationAnswer): string | undefined {
  if (freshness !== 'stale') return undefined;
  return `. An older answer of ${formatMoment(fetchedAt)} stands in: ${reason ?? 'reason unknown'}.`;
}

function lineOf(report: SourceReport): SourceLine {
  const { source, status, freshness, origin, ageMs, edition, reason, found, error, errorCode } = report;
  const facts = [
    origin ?? 'origin unknown',
    status !== 'failed' && formatCounted(found, 'product'),
    status !== 'failed' && formatAge(ageMs),
    edition && `edition ${edition}`,
    error ?? reason,
  ];
  return { name: source, status, errorCode, freshness, facts };
}
