import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import type { ConnectionHistory, WhenUnavailable } from './posture.ts';
import { PostureDecider } from './posture-decider.ts';
import { LimitPlan } from './redis-plan.ts';
import type { RateLimitLaw } from './store.ts';

const windowLaw: RateLimitLaw = { kind: 'sliding-window', requests: 8, windowMs: 1_000 };

function arrange(posture: WhenUnavailable, law: RateLimitLaw = windowLaw) {
  const clock = new VirtualClock();
  const outages: { lostAtMs: number; backAtMs: number | undefined; bornAtMs: number | undefined }[] = [];
  const history: ConnectionHistory = { outages, recoveryMs: 100 };
  const plan = new LimitPlan({ name: 'x', laws: [law], maxKeys: 10, onEvicted: () => undefined }, 0);
  const decider = new PostureDecider(posture, history, clock);
  return {
    clock,
    plan,
    decider,
    lose: () => outages.push({ lostAtMs: clock.monotonic(), backAtMs: undefined, bornAtMs: undefined }),
    comeBack: (bornAtMs?: number) => {
      const last = outages.pop();
      outages.push({ lostAtMs: last?.lostAtMs ?? 0, backAtMs: clock.monotonic(), bornAtMs });
    },
    instead: (cost = 1) => decider.instead(plan, 'key', cost),
    early: () => decider.before(plan, 'key', 1),
  };
}

describe('PostureDecider', () => {
  it('open admits everything while Redis is away', () => {
    const { instead, early } = arrange('open');
    expect(instead()).toMatchObject({ allowed: true, outcome: 'unavailable', retryAfterMs: 0 });
    expect(early()).toBeUndefined();
  });

  it('closed admits nothing, and nothing for a span after the memory was lost', async () => {
    const { instead, early, lose, comeBack, clock } = arrange('closed');
    lose();
    expect(instead()).toMatchObject({ allowed: false, outcome: 'unavailable', remaining: 0 });
    await clock.advance(300);
    comeBack(300);
    expect(early()).toMatchObject({ allowed: false, outcome: 'unavailable', retryAfterMs: 1_001 });
    await clock.advance(1_001);
    expect(early()).toBeUndefined();
  });

  it('a share begins a span after the loss, and admits its part of the law in memory', async () => {
    const { instead, lose, clock } = arrange({ localShare: 0.25 });
    expect(instead()).toMatchObject({ allowed: false, outcome: 'unavailable' });
    lose();
    expect(instead()).toMatchObject({ allowed: false, retryAfterMs: 1_001 });
    await clock.advance(1_001);
    expect([1, 2, 3].map(() => instead().allowed)).toEqual([true, true, false]);
    expect(instead()).toMatchObject({ outcome: 'unavailable', limit: 2 });
    expect(instead(3)).toMatchObject({ allowed: false });
  });

  it('a share binds on beside Redis after it has come back', async () => {
    const { instead, early, lose, comeBack, clock } = arrange({ localShare: 0.25 });
    lose();
    await clock.advance(1_500);
    expect([instead().allowed, instead().allowed]).toEqual([true, true]);
    comeBack();
    expect(early()).toMatchObject({ allowed: false, outcome: 'unavailable' });
    await clock.advance(1_020);
    expect([early(), early(), early()?.allowed]).toEqual([undefined, undefined, false]);
    await clock.advance(100);
    expect([early(), early(), early()]).toEqual([undefined, undefined, undefined]);
  });

  it('a share of less than one permit admits nothing', async () => {
    const { instead, lose, clock } = arrange({ localShare: 0.1 });
    lose();
    await clock.advance(5_000);
    expect(instead()).toMatchObject({ allowed: false, outcome: 'unavailable' });
  });
});
