import type { JSX } from 'preact';

/** The same question for somebody who has no browser: a command to copy, whose address can be opened. */
export function AnswerLinks({ paths }: { readonly paths: readonly string[] }): JSX.Element {
  return (
    <p class="answer-links">
      The same with curl:
      {paths.map(path => (
        <Command key={path} path={path} />
      ))}
    </p>
  );
}

function Command({ path }: { readonly path: string }): JSX.Element {
  // The only thing that an address may hold and a shell would take for the end of it.
  const url = `${location.origin}${path.replaceAll("'", '%27')}`;
  return (
    <code class="command">
      curl '<a href={url}>{url}</a>'
    </code>
  );
}
