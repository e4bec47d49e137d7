import type { JSX } from 'preact';
import type { Tone } from '../call-kind.ts';
import { Glyph, type GlyphName } from './glyph.tsx';

export interface ChipProps {
  readonly tone: Tone;
  readonly text: string;
  readonly title?: string | undefined;
}

const glyphs: Readonly<Record<Tone, GlyphName>> = {
  ok: 'ok',
  plain: 'plain',
  stale: 'stale',
  fallback: 'fallback',
  refused: 'refused',
  failed: 'failed',
};

/** A state in a word, with a shape and a colour of its own. */
export function Chip({ tone, text, title }: ChipProps): JSX.Element {
  return (
    <span class={`chip tone-${tone}`} title={title}>
      <Glyph name={glyphs[tone]} />
      {text}
    </span>
  );
}

/** In place of a figure that nobody told the page. */
export function Unknown(): JSX.Element {
  return <span class="unknown">unknown</span>;
}
