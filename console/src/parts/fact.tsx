import type { JSX } from 'preact';
import { describeFact } from '../evidence-groups.ts';
import type { EvidenceFact, FactProvenance } from '../evidence-wire.ts';
import { formatAge } from '../format.ts';
import { Chip } from './chip.tsx';
import { freshnessTone } from './sources.tsx';

/** One fact, and under it where it is from. */
export function Fact({ fact }: { readonly fact: EvidenceFact }): JSX.Element {
  const { title, mark, details, texts, provenance } = describeFact(fact);
  return (
    <li class="fact">
      <div class="fact-what">
        <p>
          <b>{title}</b> {mark && <Chip tone={mark.tone} text={mark.text} />}{' '}
          <span class="fact-details">{details.join(' · ')}</span>
        </p>
        {texts.map(({ name, text }) => (
          <details key={name} class="long-text">
            <summary>{name}</summary>
            <p>{text}</p>
          </details>
        ))}
      </div>
      <Provenance {...provenance} />
    </li>
  );
}

function Provenance({
  source,
  origin,
  freshness,
  ageMs,
  reason,
  reference,
  url,
  fetchedAt,
}: FactProvenance): JSX.Element {
  return (
    <p class="provenance">
      <span class="name">{source}</span> <Chip tone={freshnessTone(freshness)} text={freshness} />{' '}
      <span title={`fetched ${fetchedAt}`}>
        {origin.replace('-', ' ')}, {formatAge(ageMs)}
        {reason && ` (${reason})`}
      </span>{' '}
      {url?.startsWith('https://') ? (
        <a href={url} target="_blank" rel="noreferrer">
          {reference}
        </a>
      ) : (
        <span>{reference}</span>
      )}
    </p>
  );
}
