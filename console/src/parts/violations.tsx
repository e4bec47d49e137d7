import type { JSX } from 'preact';
import type { PropertyViolations } from '../property-wire.ts';
import { violationLimit } from '../questions.ts';
import { datasetNames, type ViolationLine, violationLines } from '../violation-lines.ts';
import { Chip } from './chip.tsx';
import { ShowMore, shownOf } from './show-more.tsx';
import type { StoreProps } from './store-props.ts';

const beginning = { list: 'property violations', first: 8 };

/** The violations of all data sets in one list, the newest first. */
export function Violations({
  store,
  answer,
}: StoreProps & { readonly answer: PropertyViolations }): JSX.Element | null {
  const lines = violationLines(answer);
  if (lines.length === 0) return null;
  const isCut = answer.sources.some(({ total }) => total > violationLimit);
  return (
    <div class="listing violations">
      <table>
        <thead>
          <tr>
            <th scope="col">Issued</th>
            <th scope="col">Number</th>
            <th scope="col">Data set</th>
            <th scope="col">State</th>
            <th scope="col">What</th>
          </tr>
        </thead>
        <tbody>
          {shownOf(store, beginning, lines).map(line => (
            <Row key={line.id} {...line} />
          ))}
        </tbody>
      </table>
      <ShowMore store={store} {...beginning} total={lines.length} of="violations" />
      {isCut && <p class="quiet">The newest {violationLimit} of each data set are listed.</p>}
    </div>
  );
}

function Row({ dataset, number, issueDate, isActive, text, sameAs }: ViolationLine): JSX.Element {
  return (
    <tr>
      <td class="data">{issueDate ?? <span class="unknown">no date</span>}</td>
      <th scope="row" class="data">
        {number}
      </th>
      <td>{datasetNames[dataset]}</td>
      <td>
        {isActive === null ? (
          <span class="unknown">unknown</span>
        ) : (
          <Chip tone={isActive ? 'stale' : 'plain'} text={isActive ? 'active' : 'closed'} />
        )}
      </td>
      <td>
        {text}
        {sameAs.length > 0 && <span class="same-as"> same as {sameAs.join(', ')}</span>}
      </td>
    </tr>
  );
}
