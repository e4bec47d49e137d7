import type { JSX } from 'preact';
import { formatCount, formatCounted, formatDuration, formatMoment } from '../format.ts';
import { type Ask, approvalsPath, medicationPath } from '../medication-request.ts';
import type { MedicationAnswer } from '../wire.ts';
import { Chip } from './chip.tsx';
import { Products } from './products.tsx';
import { Sources } from './sources.tsx';
import type { StoreProps } from './store-props.ts';

/** What came back, beside what it cost. */
export function Answer({ store }: StoreProps): JSX.Element {
  const ask = store.view.ask;
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
      <div class="answer-figures">
        <Outcome ask={ask} answer={answer} />
        <Price store={store} ask={ask} />
      </div>
      <Problems ask={ask} />
      {answer && <Sources answer={answer} />}
      {answer && answer.results.length > 0 && <Products store={store} products={answer.results} />}
      <p class="answer-links">
        The same with curl: <a href={medicationPath(ask.name)}>{medicationPath(ask.name)}</a>{' '}
        <a href={approvalsPath(ask.name)}>{approvalsPath(ask.name)}</a>
      </p>
    </div>
  );
}

interface OutcomeProps {
  readonly ask: Ask;
  readonly answer: MedicationAnswer | undefined;
}

function Outcome({ ask, answer }: OutcomeProps): JSX.Element {
  const waiting = ask.count - ask.replies.length;
  return (
    <div class="figure-block">
      <p class="figure-large">
        {headline(ask, answer)}
        {answer?.freshness === 'stale' && ' '}
        {answer?.freshness === 'stale' && <Chip tone="stale" text="stale" />}
      </p>
      <p class="figure-note">
        <b>{ask.name}</b>
        {ask.count > 1 && `, ${formatCounted(ask.replies.length, 'answer')} to ${ask.count} requests`}
        {waiting > 0 && ask.count > 1 && `, ${waiting} to come`}
        {ask.replies.length > 0 && `, ${timing(ask)}`}
        {answer?.freshness === 'stale' && <StaleReason answer={answer} />}
      </p>
    </div>
  );
}

function StaleReason({ answer }: { readonly answer: MedicationAnswer }): JSX.Element {
  return (
    <>
      . An older answer of {formatMoment(answer.fetchedAt)} stands in: {answer.reason ?? 'reason unknown'}.
    </>
  );
}

function headline(ask: Ask, answer: MedicationAnswer | undefined): string {
  if (answer?.total === 0) return 'No products';
  if (answer) return formatCounted(answer.total, 'product');
  return ask.replies.length < ask.count ? 'Asking…' : 'No answer';
}

function timing(ask: Ask): string {
  const durations = ask.replies.map(({ durationMs }) => durationMs).sort((left, right) => left - right);
  const median = durations[Math.floor((durations.length - 1) / 2)] ?? 0;
  if (durations.length === 1) return formatDuration(median);
  return `half of them within ${formatDuration(median)}, all within ${formatDuration(durations.at(-1) ?? 0)}`;
}

/** The number of upstream calls, from the records of the calls that the service made for these very requests. */
function Price({ store, ask }: StoreProps & { readonly ask: Ask }): JSX.Element {
  const cost = store.view.cost;
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

/** Each different problem once, with how many requests had it. */
function Problems({ ask }: { readonly ask: Ask }): JSX.Element | null {
  const problems = new Map<string, { readonly text: string; readonly code: string; times: number; example: string }>();
  for (const { problem, requestId } of ask.replies) {
    if (!problem) continue;
    const key = `${problem.code} ${problem.message}`;
    const known = problems.get(key);
    if (known) known.times += 1;
    else problems.set(key, { text: problem.message, code: problem.code, times: 1, example: requestId ?? 'unknown' });
  }
  if (problems.size === 0) return null;
  return (
    <ul class="problems">
      {[...problems].map(([key, { text, code, times, example }]) => (
        <li key={key}>
          <code>{code}</code> {text}
          {times > 1 && ` (${times} times)`} <span class="problem-request">request {example}</span>
        </li>
      ))}
    </ul>
  );
}
