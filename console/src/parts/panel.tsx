import type { ComponentChildren, JSX } from 'preact';
import { Glyph } from './glyph.tsx';

export interface PanelProps {
  readonly title: string;
  /** The most important thing about the panel, readable while it is closed. */
  readonly headline: ComponentChildren;
  readonly children: ComponentChildren;
}

/** Where there is room beside the list, panels begin open; above it, they begin closed. */
const beginsOpen = matchMedia('(min-width: 1280px)').matches;

export function Panel({ title, headline, children }: PanelProps): JSX.Element {
  return (
    <details class="panel" open={beginsOpen}>
      <summary>
        <Glyph name="chevron" />
        <h2>{title}</h2>
        {headline}
      </summary>
      {children}
    </details>
  );
}
