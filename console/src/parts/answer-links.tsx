import type { JSX } from 'preact';

/** The same question for somebody who has no browser. */
export function AnswerLinks({ paths }: { readonly paths: readonly string[] }): JSX.Element {
  return (
    <p class="answer-links">
      The same with curl:{' '}
      {paths.map(path => (
        <>
          <a href={path}>{path}</a>{' '}
        </>
      ))}
    </p>
  );
}
