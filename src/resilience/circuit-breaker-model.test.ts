import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkError, RejectedError } from '../errors/index.ts';
import { sleepOn, type Timer } from '../kernel/index.ts';
import { CircuitBreaker } from './index.ts';

type End = 'ok' | 'failed' | 'refused' | 'aborted';
type Command =
  | { readonly do: 'begin' }
  | { readonly do: 'end'; readonly which: number; readonly how: End }
  | { readonly do: 'wait'; readonly ms: number };

interface Numbers {
  readonly failureThreshold: number;
  readonly recoveryTimeMs: number;
  readonly halfOpenProbes: number;
}

/** What the breaker should do, written as plainly as possible: every state has a period, and calls belong to one. */
class Model {
  nowMs = 0;
  state: 'closed' | 'open' | 'half-open' = 'closed';
  period = 0;
  failures = 0;
  sinceMs = 0;
  probes = 0;

  readonly numbers: Numbers;

  constructor(numbers: Numbers) {
    this.numbers = numbers;
  }

  /** The period that the call belongs to, or undefined when it is refused. */
  begin(): number | undefined {
    const { recoveryTimeMs, halfOpenProbes } = this.numbers;
    const waited = this.nowMs - this.sinceMs >= recoveryTimeMs;
    if (this.state === 'open' && waited) this.enter('half-open');
    if (this.state === 'half-open' && this.probes === halfOpenProbes && waited) this.enter('half-open');
    if (this.state === 'open' || (this.state === 'half-open' && this.probes === halfOpenProbes)) return undefined;
    if (this.state === 'half-open') {
      this.probes += 1;
      this.sinceMs = this.nowMs;
    }
    return this.period;
  }

  end(period: number, how: End): void {
    if (period !== this.period) return;
    if (this.state === 'half-open') {
      this.probes -= 1;
      if (how === 'ok') this.enter('closed');
      if (how === 'failed') this.enter('open');
    } else if (how === 'ok') this.failures = 0;
    else if (how === 'failed') {
      this.failures += 1;
      if (this.failures === this.numbers.failureThreshold) this.enter('open');
    }
  }

  enter(state: Model['state']): void {
    this.state = state;
    this.period += 1;
    this.sinceMs = this.nowMs;
    this.probes = 0;
    if (state === 'closed') this.failures = 0;
  }
}

interface Call {
  readonly period: number;
  readonly result: Promise<unknown>;
  end(how: End): void;
}

/** A breaker and its model, side by side. */
class Comparison {
  readonly model: Model;
  readonly breaker: CircuitBreaker;
  readonly calls: Call[] = [];

  constructor(numbers: Numbers) {
    this.model = new Model(numbers);
    const clock = {
      now: () => this.model.nowMs,
      monotonic: () => this.model.nowMs,
      monotonicCoarse: () => this.model.nowMs,
      setTimer: (): Timer => ({ cancel: () => {} }),
      setRepeatingTimer: (): Timer => ({ cancel: () => {} }),
      sleep: (delayMs: number): Promise<void> => sleepOn(clock, delayMs),
    };
    this.breaker = new CircuitBreaker({ ...numbers, clock });
  }

  async apply(command: Command): Promise<void> {
    if (command.do === 'wait') this.model.nowMs += command.ms;
    if (command.do === 'begin') await this.begin();
    if (command.do === 'end' && this.calls.length > 0) {
      const [call] = this.calls.splice(command.which % this.calls.length, 1);
      call?.end(command.how);
      await Promise.allSettled([call?.result]);
      this.model.end(call?.period ?? -1, command.how);
    }
    expect(this.breaker.state).toBe(this.model.state);
    const probing = this.calls.filter(({ period }) => period === this.model.period).length;
    if (this.model.state === 'half-open') expect(probing).toBeLessThanOrEqual(this.model.numbers.halfOpenProbes);
  }

  async begin(): Promise<void> {
    let end: Call['end'] | undefined;
    const result = this.breaker.execute(
      () =>
        new Promise<void>((resolve, reject) => {
          end = how => {
            if (how === 'ok') resolve();
            if (how === 'failed') reject(new NetworkError('theirs'));
            if (how === 'refused') reject(new RejectedError('ours', 'limited'));
            if (how === 'aborted') reject(new DOMException('the caller left', 'AbortError'));
          };
        }),
    );
    const period = this.model.begin();
    expect(end !== undefined).toBe(period !== undefined);
    if (end === undefined || period === undefined) await expect(result).rejects.toMatchObject({ reason: 'open' });
    else this.calls.push({ period, result, end });
  }

  /** Whatever has happened: with time and successes the circuit closes again. */
  async recover(): Promise<void> {
    await this.apply({ do: 'wait', ms: this.model.numbers.recoveryTimeMs });
    await this.apply({ do: 'begin' });
    await this.apply({ do: 'end', which: this.calls.length - 1, how: 'ok' });
    expect(this.breaker.state).toBe('closed');
  }
}

const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: 'begin' } as const) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      which: fc.nat(20),
      how: fc.constantFrom<End>('ok', 'failed', 'failed', 'failed', 'refused', 'aborted'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(60) }) },
);

describe('CircuitBreaker, beside its model', () => {
  it('admits, refuses and changes state as the model does, never runs too many probes and never gets stuck', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          failureThreshold: fc.integer({ min: 1, max: 4 }),
          recoveryTimeMs: fc.integer({ min: 1, max: 50 }),
          halfOpenProbes: fc.integer({ min: 1, max: 3 }),
        }),
        fc.array(commands, { maxLength: 60, size: 'max' }),
        async (numbers, sequence) => {
          const comparison = new Comparison(numbers);
          for (const command of sequence) await comparison.apply(command);
          await comparison.recover();
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
