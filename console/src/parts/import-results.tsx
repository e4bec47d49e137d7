import type { JSX } from 'preact';
import { formatCount, formatCounted } from '../format.ts';
import { resultsPath, resultsShown } from '../import-desk.ts';
import type { ImportResult, ImportState } from '../import-wire.ts';
import { AnswerLinks } from './answer-links.tsx';
import { Problems } from './problems.tsx';
import { SourceChip } from './sources.tsx';
import type { StoreProps } from './store-props.ts';

/** What came of the names of an import, a hundred at a time. */
export function ImportResults({ store, one }: StoreProps & { readonly one: ImportState }): JSX.Element | null {
  const { open } = store.view.imports;
  if (!open) return null;
  const { offset, reply } = open;
  const results = reply?.answer ?? [];
  return (
    <div class="import-results">
      {reply === undefined && <p class="quiet">Asking…</p>}
      {reply?.problem && <Problems replies={[reply]} />}
      {reply?.answer?.length === 0 && <p class="quiet">No name has a result yet.</p>}
      {results.length > 0 && <ResultTable title={one.title} results={results} />}
      {one.done > resultsShown && (
        <div class="import-pages">
          <button
            type="button"
            aria-disabled={offset === 0}
            onClick={() => offset > 0 && void store.imports.show(one.id, offset - resultsShown)}
          >
            Previous
          </button>
          <span class="quiet">
            {formatCount(offset + 1)} to {formatCount(offset + results.length)} of {formatCount(one.done)}
          </span>
          <button
            type="button"
            aria-disabled={offset + resultsShown >= one.done}
            onClick={() => offset + resultsShown < one.done && void store.imports.show(one.id, offset + resultsShown)}
          >
            Next
          </button>
        </div>
      )}
      <AnswerLinks paths={[resultsPath(one.id, offset)]} />
    </div>
  );
}

function ResultTable({
  title,
  results,
}: {
  readonly title: string;
  readonly results: readonly ImportResult[];
}): JSX.Element {
  return (
    // Scrolls by itself: a hundred rows would push the calls out of sight.
    <section class="listing result-table" aria-label={`Results of ${title}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">#</th>
            <th scope="col">Name</th>
            <th scope="col">Applications</th>
            <th scope="col">First approval</th>
            <th scope="col">Outcome</th>
          </tr>
        </thead>
        <tbody>
          {results.map(result => (
            <Row key={result.index} {...result} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ index, name, ok, value, error, recorded }: ImportResult): JSX.Element {
  const first = value?.firstApproval;
  const outcome = ok ? (value?.applications === 0 ? 'empty' : 'answered') : 'failed';
  return (
    <tr class={ok ? undefined : 'result-failed'}>
      <td class="data">{formatCount(index + 1)}</td>
      <th scope="row">{name}</th>
      <td>{value && (value.applications === 0 ? 'none' : formatCounted(value.applications, 'application'))}</td>
      <td class="data">{first && `${first.date} ${first.applicationNumber}`}</td>
      <td>
        <SourceChip outcome={outcome} freshness={value?.freshness ?? null} />
        {error && (
          <>
            {' '}
            <code>{error.code}</code> {error.message}
          </>
        )}
        {recorded && <span class="quiet"> earlier run</span>}
      </td>
    </tr>
  );
}
