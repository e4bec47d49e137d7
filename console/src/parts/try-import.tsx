import type { JSX, TargetedSubmitEvent } from 'preact';
import { formatCounted } from '../format.ts';
import { importsPath } from '../import-desk.ts';
import { namesOf } from '../import-words.ts';
import { Examples } from './examples.tsx';
import { ImportRow } from './import-row.tsx';
import { ShowMore, shownOf } from './show-more.tsx';
import type { StoreProps } from './store-props.ts';

const some = ['osimertinib', 'pembrolizumab', 'imatinib', 'metformin', 'semaglutide'];
const examples = [
  { text: '5 names', names: some.join('\n') },
  {
    text: '200 names, most unknown',
    names: [...some, ...Array.from({ length: 195 }, (_, index) => `no such drug ${index + 1}`)].join('\n'),
  },
];

const beginning = { list: 'imports', first: 4 };

/** Begins imports, and shows how far they are. */
export function TryImport({ store }: StoreProps): JSX.Element {
  const { problem } = store.view.imports;
  return (
    <div class="imports">
      <BeginImport store={store} />
      <div class="import-desk">
        {problem && (
          <p class="problem" role="alert">
            <code>{problem.code}</code> {problem.message}
          </p>
        )}
        <ImportList store={store} />
      </div>
    </div>
  );
}

function BeginImport({ store }: StoreProps): JSX.Element {
  const { names } = store.view.drafts;
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    void store.imports.begin(store.view.drafts.names);
  };
  return (
    <form class="import-form" onSubmit={submit}>
      <label for="names">Names of medications, one a line</label>
      <textarea
        id="names"
        rows={6}
        required
        spellcheck={false}
        autocapitalize="off"
        value={names}
        onInput={event => store.draft({ names: event.currentTarget.value })}
      />
      <div class="try-row">
        <button type="submit" class="primary" aria-disabled={store.view.imports.beginning}>
          Begin import
        </button>
        <span class="quiet">{formatCounted(namesOf(names).length, 'name')}</span>
      </div>
      <Examples
        examples={examples.map(example => ({
          text: example.text,
          chosen: names === example.names,
          choose: () => store.draft({ names: example.names }),
        }))}
      />
      <p class="answer-links">
        The same with curl, for a file with one name a line:
        <code class="command">
          curl -H 'content-type: text/plain' --data-binary @names.txt {location.origin}
          {importsPath}
        </code>
      </p>
    </form>
  );
}

function ImportList({ store }: StoreProps): JSX.Element {
  const imports = store.view.state?.imports;
  if (!imports) {
    const known = store.view.state !== undefined;
    return <p class="import-hint">{known ? 'This service has no imports.' : 'Waiting for the service…'}</p>;
  }
  if (imports.length === 0) {
    return (
      <p class="import-hint">
        Imports appear here with their progress. One that is under way goes on by itself when the service starts again,
        and asks for no name twice.
      </p>
    );
  }
  return (
    <>
      <ul>
        {shownOf(store, beginning, imports).map(one => (
          <ImportRow key={one.id} store={store} one={one} />
        ))}
      </ul>
      <div>
        <ShowMore store={store} {...beginning} total={imports.length} of="imports" />
      </div>
    </>
  );
}
