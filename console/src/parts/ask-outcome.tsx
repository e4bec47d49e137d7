import type { ComponentChildren, JSX } from 'preact';
import { formatCount, formatCounted, formatDuration } from '../format.ts';
import type { Ask } from '../questions.ts';
import type { Cost } from '../request-costs.ts';
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
  return (
    <div class="figure-block">
      <p class={known ? 'figure-large' : 'figure-large unknown'}>
        {known ? formatCounted(cost.upstreamCalls, 'upstream call') : 'upstream calls unknown'}
      </p>
      <p class="figure-note">{priceNotes(cost, ask).join('; ')}</p>
    </div>
  );
}

/** What the requests set off inside, and of how many of them that is not known. */
function priceNotes({ requestsSeen, guardedCalls, hits, joined }: Cost, { replies }: Ask<unknown>): readonly string[] {
  const unanswered = replies.filter(({ requestId }) => requestId === undefined).length;
  const unseen = replies.length - unanswered - requestsSeen;
  const calls = `${formatCounted(guardedCalls, 'guarded call')}: ${formatCount(hits)} from the cache, ${formatCount(joined)} joined a call under way`;
  const none = replies.some(({ problem }) => problem) ? 'refused before asking' : 'answered without asking';
  return [
    requestsSeen > 0 && (guardedCalls > 0 ? calls : none),
    unanswered > 0 && `${unanswered} of ${formatCounted(replies.length, 'request')} had no answer that could tell`,
    unseen > 0 && `no record of ${unseen} of ${formatCounted(replies.length, 'request')}`,
  ].filter(note => note !== false);
}
