import type { JSX } from 'preact';
import { formatAge, formatCounted, formatMoment } from '../format.ts';
import type { DatasetReport, PropertyViolations } from '../property-wire.ts';
import { datasetNames } from '../violation-lines.ts';
import { AnswerLinks } from './answer-links.tsx';
import { AskOutcome } from './ask-outcome.tsx';
import { Chip } from './chip.tsx';
import { type SourceLine, Sources } from './sources.tsx';
import type { StoreProps } from './store-props.ts';
import { Violations } from './violations.tsx';

/** The violations of a lot, and what each data set said. */
export function PropertyAnswer({ store }: StoreProps): JSX.Element {
  const ask = store.view.asks.property;
  if (!ask) {
    return (
      <p class="answer-hint">
        The violations of a tax lot of New York City appear here, from four data sets of the city. Entries that are in
        two of them count once.
      </p>
    );
  }
  const answer = ask.replies.find(reply => reply.answer)?.answer;
  return (
    <div class="answer">
      <AskOutcome
        store={store}
        ask={ask}
        headline={answer && headline(answer)}
        note={answer && <Lot answer={answer} />}
      />
      {answer && <Sources aligned lines={answer.sources.map(lineOf)} />}
      {answer && <Violations store={store} answer={answer} />}
      <AnswerLinks paths={[ask.question.path]} />
    </div>
  );
}

function headline({ counts, complete }: PropertyViolations): JSX.Element {
  const { distinct, active } = counts;
  return (
    <>
      {distinct === 0 ? 'No violations' : `${formatCounted(distinct, 'violation')}, ${active} active`}{' '}
      {!complete && <Chip tone="failed" text="incomplete" />}
    </>
  );
}

function Lot({ answer: { bbl, counts, crossReferences } }: { readonly answer: PropertyViolations }): JSX.Element {
  const { boroughName, block, lot, lotKind, note } = bbl;
  return (
    <>
      . {boroughName}, block {block}, lot {lot}
      {lotKind !== 'ordinary' && `, ${lotKind.replace('-', ' ')} lot`}.{' '}
      {formatCounted(counts.listed, 'entry', 'entries')} with {formatCounted(crossReferences.length, 'cross reference')}
      .{note && ` ${note}.`}
    </>
  );
}

function lineOf(report: DatasetReport): SourceLine {
  const { dataset, datasetId, status, total, provenance, leftOut, dataUpdatedAt, error, errorCode } = report;
  const { testRecords = 0, unreadable = 0 } = leftOut ?? {};
  const facts = [
    datasetId,
    provenance?.origin,
    status !== 'failed' && formatCounted(total, 'entry', 'entries'),
    provenance && formatAge(provenance.ageMs),
    dataUpdatedAt && `data of ${formatMoment(dataUpdatedAt).slice(0, 10)}`,
    testRecords > 0 && `${formatCounted(testRecords, 'test record')} left out`,
    unreadable > 0 && `${unreadable} unreadable`,
    error ?? provenance?.reason,
  ];
  const freshness = provenance?.freshness ?? null;
  return { name: datasetNames[dataset] ?? dataset, status, errorCode, freshness, facts };
}
