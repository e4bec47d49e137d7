import type { JSX } from 'preact';

/** Shapes that tell states apart without colour. */
const paths = {
  ok: 'M2.5 6.5 5 9l4.5-6',
  stale: 'M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M6 3.5V6l1.8 1.2',
  fallback: 'M2 3h5.5a2.5 2.5 0 0 1 0 5H3.5M5.5 5.5 3 8l2.5 2.5',
  refused: 'M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M3 6h6',
  failed: 'M3 3l6 6M9 3 3 9',
  plain: 'M4.5 6h3',
  chevron: 'M4.5 2.5 8 6l-3.5 3.5',
  sun: 'M6 3.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4M6 .8v1M6 10.2v1M.8 6h1M10.2 6h1M2.3 2.3l.7.7M9 9l.7.7M9.7 2.3 9 3M3 9l-.7.7',
  moon: 'M10 7.2A4.4 4.4 0 0 1 4.8 2 4.3 4.3 0 1 0 10 7.2Z',
  pause: 'M4 2.5v7M8 2.5v7',
  play: 'M3.5 2.2v7.6L9.5 6Z',
} as const;

export type GlyphName = keyof typeof paths;

export function Glyph({ name }: { readonly name: GlyphName }): JSX.Element {
  return (
    <svg class="glyph" viewBox="0 0 12 12" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
