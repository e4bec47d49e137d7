import type { JSX } from 'preact';
import type { Product } from '../wire.ts';
import { ShowMore, shownOf } from './show-more.tsx';
import type { StoreProps } from './store-props.ts';

const beginning = { list: 'products', first: 3 };

export function Products({ store, products }: StoreProps & { readonly products: readonly Product[] }): JSX.Element {
  return (
    <div class="listing">
      <table>
        <thead>
          <tr>
            <th scope="col">Product</th>
            <th scope="col">Application</th>
            <th scope="col">Form and strength</th>
            <th scope="col">Status</th>
            <th scope="col">Sponsor</th>
            <th scope="col">Source</th>
          </tr>
        </thead>
        <tbody>
          {shownOf(store, beginning, products).map((product, index) => (
            <tr key={index}>
              <th scope="row">
                {product.brandName || 'no brand name'}
                <span class="ingredients"> {ingredients(product)}</span>
              </th>
              <td class="data">{product.applicationNumber}</td>
              <td>{[product.dosageForm, product.route, product.strength].filter(Boolean).join(', ')}</td>
              <td>{product.status}</td>
              <td>{product.sponsor}</td>
              <td class="data">{product.source}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <ShowMore store={store} {...beginning} total={products.length} of="products" />
    </div>
  );
}

function ingredients(product: Product): string {
  return product.ingredients.map(({ name }) => name).join(', ');
}
