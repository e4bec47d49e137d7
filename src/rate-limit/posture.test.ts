import { describe, expect, it } from 'vitest';
import { guardOf, requirePosture, shareBeginsMs } from './posture.ts';

const window = { spanMs: 1_000, hasBucket: false };
const bucket = { spanMs: 1_000, hasBucket: true };
const never = Number.NEGATIVE_INFINITY;
const share = { localShare: 0.25 };

const outage = (lostAtMs: number, backAtMs: number | undefined, bornAtMs?: number) => ({
  recoveryMs: 100,
  outages: [{ lostAtMs, backAtMs, bornAtMs }],
});

describe('guardOf()', () => {
  it('lets Redis alone decide when it was never away, and always where everything is admitted without it', () => {
    const calm = { recoveryMs: 100, outages: [] };
    for (const posture of ['open', 'closed', share] as const) {
      expect(guardOf(posture, window, calm)).toEqual({ silentUntilMs: never, shareUntilMs: never });
    }
    const forgot = outage(0, 5_000, 4_900);
    expect(guardOf('open', window, forgot)).toEqual({ silentUntilMs: never, shareUntilMs: never });
  });

  it('is silent for a span after another server was born, which may have forgotten', () => {
    expect(guardOf('closed', window, outage(0, 5_000, 4_900))).toEqual({ silentUntilMs: 5_900, shareUntilMs: never });
    expect(guardOf('closed', window, outage(0, 5_000))).toEqual({ silentUntilMs: never, shareUntilMs: never });
  });

  it('lets the shares bind on until what they admitted is past', () => {
    expect(guardOf(share, window, outage(0, 5_000))).toEqual({ silentUntilMs: never, shareUntilMs: 6_100 });
    expect(guardOf(share, window, outage(0, 5_000, 4_900))).toEqual({ silentUntilMs: 5_900, shareUntilMs: 6_100 });
  });

  it('is silent instead where a bucket would keep its debt', () => {
    expect(guardOf(share, bucket, outage(0, 5_000))).toEqual({ silentUntilMs: 6_100, shareUntilMs: never });
  });

  it('does not mind an outage that was too short for anybody to have begun with a share', () => {
    expect(guardOf(share, window, outage(0, 799)).shareUntilMs).toBe(never);
    expect(guardOf(share, window, outage(0, 800)).shareUntilMs).toBe(1_900);
  });

  it('keeps the guard of an earlier outage through a later, shorter one', () => {
    const outages = [
      { lostAtMs: 0, backAtMs: 5_000, bornAtMs: undefined },
      { lostAtMs: 5_200, backAtMs: 5_300, bornAtMs: undefined },
    ];
    expect(guardOf(share, window, { recoveryMs: 100, outages }).shareUntilMs).toBe(6_100);
  });
});

describe('shareBeginsMs()', () => {
  it('is a span after the loss, while Redis is away', () => {
    expect(shareBeginsMs(window, outage(200, undefined))).toBe(1_200);
    expect(shareBeginsMs(window, outage(200, 300))).toBeUndefined();
    expect(shareBeginsMs(window, { recoveryMs: 100, outages: [] })).toBeUndefined();
  });
});

describe('requirePosture()', () => {
  it.each([0, -1, 1.1, Number.NaN])('refuses a share of %s', localShare => {
    expect(() => requirePosture({ localShare })).toThrow(/localShare.*got/);
  });
});
