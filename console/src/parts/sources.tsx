import type { JSX } from 'preact';
import type { Tone } from '../call-kind.ts';
import { formatAge, formatCounted } from '../format.ts';
import type { MedicationAnswer, SourceReport } from '../wire.ts';
import { Chip } from './chip.tsx';

export interface SourcesProps {
  readonly answer: MedicationAnswer;
}

const tones: Readonly<Record<SourceReport['status'], Tone>> = { answered: 'ok', empty: 'plain', failed: 'failed' };

/** Which sources took part, and how far each can be trusted. */
export function Sources({ answer }: SourcesProps): JSX.Element {
  return (
    <ul class="sources">
      {answer.sources.map(source => (
        <li key={source.source}>
          <span class="name">{source.source}</span>
          <Chip
            tone={toneOf(source)}
            text={source.status === 'answered' ? (source.freshness ?? 'answered') : source.status}
          />
          <span class="source-facts">{facts(source)}</span>
        </li>
      ))}
    </ul>
  );
}

function toneOf(source: SourceReport): Tone {
  if (source.status !== 'answered') return tones[source.status] ?? 'plain';
  return source.freshness === 'stale' || source.freshness === 'fallback' ? source.freshness : 'ok';
}

function facts({ status, origin, ageMs, edition, reason, found, error }: SourceReport): string {
  const said = [
    origin ?? 'origin unknown',
    status !== 'failed' && formatCounted(found, 'product'),
    status !== 'failed' && formatAge(ageMs),
    edition && `edition ${edition}`,
    error ?? reason,
  ];
  return said.filter(Boolean).join(' · ');
}
