import { describe, expect, it } from 'vitest';
import { ResponseContract, shapeOf } from '../http/index.ts';
import { createMetrics } from './index.ts';

describe('Metrics of contracts', () => {
  it('count each difference once by kind, and every record in quarantine', async () => {
    using metrics = await createMetrics();
    const contract = new ResponseContract<string>({
      name: 'labels',
      shape: shapeOf([{ name: 'a' }, { name: 'b' }]),
      read: record => {
        const { name } = record as { readonly name: unknown };
        if (typeof name !== 'string') throw new TypeError('name is no text');
        return name;
      },
    });
    metrics.observeContract(contract);
    const source = { url: 'https://example.com/labels', fetchedAt: 0 };
    await contract.read([{ name: 'a' }, { name: 'b', extra: 1 }, { name: 'c', extra: 2 }, { name: 7 }], source);
    const lines = (await metrics.render()).split('\n');
    expect(lines).toContain('plinth_contract_drifts_total{contract="labels",kind="new-field"} 1');
    expect(lines).toContain('plinth_contract_drifts_total{contract="labels",kind="retyped-field"} 1');
    expect(lines).toContain('plinth_contract_quarantined_total{contract="labels"} 1');
  });
});
