import type { JSX } from 'preact';
import { isUnderWay } from '../import-words.ts';
import { type TryView, tryViews } from '../try-view.ts';
import type { StoreProps } from './store-props.ts';
import { TryEvidence } from './try-evidence.tsx';
import { TryImport } from './try-import.tsx';
import { TryProducts } from './try-products.tsx';
import { TryProperty } from './try-property.tsx';

const parts = { products: TryProducts, evidence: TryEvidence, property: TryProperty, import: TryImport } as const;

const titles: Readonly<Record<TryView, string>> = {
  products: 'Products',
  evidence: 'Evidence',
  property: 'Property',
  import: 'Import',
};

/** Where the service is asked something, and answers. */
export function TryIt({ store }: StoreProps): JSX.Element {
  const chosen = store.view.tryView;
  const Chosen = parts[chosen];
  const running = store.view.state?.imports?.filter(isUnderWay).length ?? 0;
  return (
    <section class="try" aria-labelledby="try-title">
      <div class="try-head">
        <h2 id="try-title">Try it</h2>
        <nav class="tabs" aria-label="What to try">
          {tryViews.map(view => (
            <a key={view} href={`#${view}`} aria-current={view === chosen ? 'true' : undefined}>
              {titles[view]}
              {view === 'import' && running > 0 && (
                <b class="tab-count">
                  {running}
                  <span class="visually-hidden"> under way</span>
                </b>
              )}
            </a>
          ))}
        </nav>
      </div>
      <Chosen store={store} />
    </section>
  );
}
