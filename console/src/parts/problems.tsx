import type { JSX } from 'preact';
import type { Reply } from '../reply.ts';

/** Each different problem once, with how many requests had it. */
export function Problems({ replies }: { readonly replies: readonly Reply<unknown>[] }): JSX.Element | null {
  const problems = new Map<string, { readonly text: string; readonly code: string; times: number; example: string }>();
  for (const { problem, requestId } of replies) {
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
