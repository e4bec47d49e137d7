import type { ComponentChildren, JSX } from 'preact';
import { formatCount, formatCounted, formatDuration } from '../format.ts';
import type { Ask } from '../questions.ts';
import { Problems } from './problems.tsx';
import type { StoreProps } from './store-props.ts';

export interface AskOutcomeProps extends StoreProps {
  readonly ask: Ask<unknown>;
  /** The answer in a few words; what follows from having none is said here. */
  readonly headline: ComponentChildren;
  /** What else is to be said of the answer, at once. */
  readonly note?: ComponentChildren;
}

/** What came back for a question, beside what it cost, and what went wrong. */
export function AskOutcome({ store, ask, headline, note }: AskOutcomeProps): JSX.Element {
  const waiting = ask.count - ask.replies.length;
  const many = ask.count > 1;
  return (
    <>
      <div class="answer-figures">
        <div class="figure-block">
          <p class="figure-large">{headline ?? (waiting > 0 ? 'Asking…' : 'No answer')}</p>
          <p class="figure-note">
            <b>{ask.question.about}</b>
            {many && `, ${formatCounted(ask.replies.length, 'answer')} to ${ask.count} requests`}
            {waiting > 0 && many && `, ${waiting} to come`}
            {ask.replies.length > 0 && `, ${timing(ask)}`}
            {note}
          </p>
        </div>
        <Price store={store} ask={ask} />
      </div>
      <Problems replies={ask.replies} />
    </>
  );
}

function timing(ask: Ask<unknown>): string {
  const durations = ask.replies.map(({ durationMs }) => durationMs).sort((left, right) => left - right);
  const median = durations[Math.floor((durations.length - 1) / 2)] ?? 0;
  if (durations.length === 1) return formatDuration(median);
  return `half of them within ${formatDuration(median)}, all within ${formatDuration(durations.at(-1) ?? 0)}`;
}

/** The number of upstream calls, from the records of the calls that the service made for these very requests. */
function Price({ store, ask }: StoreProps & { readonly ask: Ask<unknown> }): JSX.Element {
  const cost = store.costOf(ask.replies);
  const known = cost.requestsSeen > 0;
  const unseen = ask.replies.length - cost.requestsSeen;
  return (
    <div class="figure-block">
      <p class={known ? 'figure-large' : 'figure-large unknown'}>
        {known ? formatCounted(cost.upstreamCalls, 'upstream call') : 'upstream calls unknown'}
      </p>
      <p class="figure-note">
        {known && `${formatCounted(cost.guardedCalls, 'guarded call')}: ${formatCount(cost.hits)} from the cache, `}
        {known && `${formatCount(cost.joined)} joined a call under way`}
        {ask.replies.length > 0 &&
          unseen > 0 &&
          `${known ? '; ' : ''}no record yet for ${unseen} of ${ask.replies.length} requests`}
      </p>
    </div>
  );
}
