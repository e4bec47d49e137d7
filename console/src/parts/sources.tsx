import type { JSX } from 'preact';
import type { Tone } from '../call-kind.ts';
import type { Freshness } from '../wire.ts';
import { Chip } from './chip.tsx';

/** How one source took part in an answer. */
export interface SourceLine {
  readonly name: string;
  readonly status: 'answered' | 'empty' | 'failed' | 'not-asked';
  readonly freshness: Freshness | null;
  /** What else is to be said, each a few words; what is nothing is left out. */
  readonly facts: readonly (string | false | null | undefined)[];
}

const tones: Readonly<Record<SourceLine['status'], Tone>> = {
  answered: 'ok',
  empty: 'plain',
  failed: 'failed',
  'not-asked': 'plain',
};

export interface SourcesProps {
  readonly lines: readonly SourceLine[];
  /** Whether each has a line of its own, because they are many. @default false */
  readonly aligned?: boolean;
}

/** Which sources took part, and how far each can be trusted. */
export function Sources({ lines, aligned = false }: SourcesProps): JSX.Element {
  return (
    <ul class={aligned ? 'sources aligned' : 'sources'}>
      {lines.map(({ name, status, freshness, facts }) => (
        <li key={name}>
          <span class="name">{name}</span>
          <Chip
            tone={status === 'answered' ? freshnessTone(freshness) : (tones[status] ?? 'plain')}
            text={status === 'answered' ? (freshness ?? 'answered') : status.replace('-', ' ')}
          />
          <span class="source-facts">{facts.filter(Boolean).join(' · ')}</span>
        </li>
      ))}
    </ul>
  );
}

export function freshnessTone(freshness: Freshness | null): Tone {
  return freshness === 'stale' || freshness === 'fallback' ? freshness : 'ok';
}
