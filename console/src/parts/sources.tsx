import type { JSX } from 'preact';
import type { Tone } from '../call-kind.ts';
import { outcomeOf, type SourceEnd, type SourceOutcome } from '../source-outcome.ts';
import type { Freshness } from '../wire.ts';
import { Chip } from './chip.tsx';

/** How one source took part in an answer. */
export interface SourceLine extends SourceEnd {
  readonly name: string;
  readonly freshness: Freshness | null;
  /** What else is to be said, each a few words; what is nothing is left out. */
  readonly facts: readonly (string | false | null | undefined)[];
}

const tones: Readonly<Record<SourceOutcome, Tone>> = {
  answered: 'ok',
  empty: 'plain',
  failed: 'failed',
  refused: 'refused',
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
      {lines.map(line => (
        <li key={line.name}>
          <span class="name">{line.name}</span>
          <SourceChip outcome={outcomeOf(line)} freshness={line.freshness} />
          <span class="source-facts">{line.facts.filter(Boolean).join(' · ')}</span>
        </li>
      ))}
    </ul>
  );
}

export interface SourceChipProps {
  readonly outcome: SourceOutcome;
  readonly freshness: Freshness | null;
}

/** What became of a question to a source: how fresh its answer is, or why there is none. */
export function SourceChip({ outcome, freshness }: SourceChipProps): JSX.Element {
  if (outcome !== 'answered') return <Chip tone={tones[outcome] ?? 'plain'} text={outcome.replace('-', ' ')} />;
  return <Chip tone={freshnessTone(freshness)} text={freshness ?? 'answered'} />;
}

export function freshnessTone(freshness: Freshness | null): Tone {
  return freshness === 'stale' || freshness === 'fallback' ? freshness : 'ok';
}
