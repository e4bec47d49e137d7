import { describe, expect, it } from 'vitest';
import { OutageLog } from './outages.ts';

describe('OutageLog', () => {
  it('shows an outage from its beginning on, which the first report sets', () => {
    const log = new OutageLog();
    log.begin(10);
    log.begin(20);
    expect(log.list).toEqual([{ lostAtMs: 10, backAtMs: undefined, bornAtMs: undefined }]);
    expect(log.end(35, 30)).toBe(25);
    expect(log.list).toEqual([{ lostAtMs: 10, backAtMs: 35, bornAtMs: 30 }]);
  });

  it('records another server that came without a gap, and nothing when nothing happened', () => {
    const log = new OutageLog();
    expect(log.end(5, undefined)).toBe(0);
    expect(log.list).toEqual([]);
    expect(log.end(5, 4)).toBe(0);
    expect(log.list).toEqual([{ lostAtMs: 5, backAtMs: 5, bornAtMs: 4 }]);
  });

  it('joins the two oldest when there are too many, so that none is forgotten', () => {
    const log = new OutageLog();
    for (let index = 0; index < 10; index += 1) {
      log.begin(index * 10);
      log.end(index * 10 + 5, index === 0 ? 3 : undefined);
    }
    expect(log.list).toHaveLength(8);
    expect(log.list[0]).toEqual({ lostAtMs: 0, backAtMs: 25, bornAtMs: 3 });
  });
});
