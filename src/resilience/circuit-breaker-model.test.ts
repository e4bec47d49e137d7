import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkError, RejectedError } from '../errors/index.ts';
import { sleepOn, type Timer } from '../kernel/index.ts';
import {
  type Admission,
  backoffOf,
  CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitMode,
  type CircuitSettings,
} from './index.ts';

/** Sequences of commands that are tried in all; raised by hand to 100,000 after a change of the breaker. */
const sequences = 2_000;

type End = 'ok' | 'failed' | 'refused' | 'aborted' | 'released';
type Command =
  | { readonly do: 'begin' }
  | { readonly do: 'end'; readonly which: number; readonly how: End }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'mode'; readonly mode: CircuitMode }
  | { readonly do: 'move' };

interface Verdict {
  readonly atMs: number;
  readonly failed: boolean;
  readonly slow: boolean;
}

interface Numbers extends CircuitSettings {
  /** How long the first break is, the second, and so on. */
  readonly breaksMs: readonly number[];
}

/** What the breaker should do, written as plainly as possible: every state has a period, and calls belong to one. */
class Model {
  nowMs = 0;
  mode: CircuitMode = 'normal';
  circuit: 'closed' | 'open' | 'half-open' = 'closed';
  period = 0;
  breaks = 0;
  sinceMs = 0;
  probes = 0;
  verdicts: Verdict[] = [];
  readonly numbers: Numbers;

  constructor(numbers: Numbers) {
    this.numbers = numbers;
  }

  get state(): string {
    return this.mode.startsWith('forced-') ? this.mode.slice('forced-'.length) : this.circuit;
  }

  get breakMs(): number {
    return this.numbers.breaksMs[this.breaks - 1] ?? this.numbers.breaksMs.at(-1) ?? 0;
  }

  /** The period that the call belongs to; undefined when it is refused, 'none' when it counts nowhere. */
  begin(): number | 'none' | undefined {
    if (this.mode.startsWith('forced-')) return this.mode === 'forced-open' ? undefined : 'none';
    const isFull = this.probes + this.verdicts.length === this.numbers.halfOpenProbes;
    const refuses = this.circuit === 'open' || (this.circuit === 'half-open' && isFull);
    if (refuses && this.nowMs - this.sinceMs < this.breakMs) return this.mode === 'shadow' ? 'none' : undefined;
    if (refuses) this.enter('half-open');
    if (this.circuit === 'half-open') {
      this.probes += 1;
      this.sinceMs = this.nowMs;
    }
    return this.period;
  }

  end(period: number | 'none', how: End, tookMs: number): void {
    if (period !== this.period || this.mode.startsWith('forced-')) return;
    if (this.circuit === 'half-open') this.probes -= 1;
    if (how !== 'ok' && how !== 'failed') return;
    const slow = tookMs > (this.numbers.window?.slowCallMs ?? Number.POSITIVE_INFINITY);
    this.verdicts.push({ atMs: this.nowMs, failed: how === 'failed', slow });
    const verdict = this.circuit === 'half-open' ? this.judgeProbes() : this.judgeCalls();
    if (verdict !== undefined) this.enter(verdict);
  }

  judgeProbes(): 'open' | 'closed' | undefined {
    const { halfOpenProbes, window } = this.numbers;
    const bad = (kind: 'failed' | 'slow'): number => this.verdicts.filter(verdict => verdict[kind]).length;
    const failed = bad('failed') > 0 && bad('failed') / halfOpenProbes >= (window?.failureRate ?? 0);
    const slow = bad('slow') > 0 && bad('slow') / halfOpenProbes >= (window?.slowCallRate ?? 1);
    if (failed || slow) return 'open';
    return this.verdicts.length === halfOpenProbes ? 'closed' : undefined;
  }

  judgeCalls(): 'open' | undefined {
    const { failureThreshold, window } = this.numbers;
    if (window === undefined) {
      return this.verdicts.slice(-(failureThreshold ?? 0)).filter(({ failed }) => failed).length === failureThreshold
        ? 'open'
        : undefined;
    }
    const counted = this.verdicts.filter(({ atMs }, index) => {
      if (window.kind === 'count') return index >= this.verdicts.length - window.size;
      const bucket = (ms: number): number => Math.floor(ms / (window.windowMs / window.buckets));
      return bucket(atMs) > bucket(this.nowMs) - window.buckets;
    });
    const share = (kind: 'failed' | 'slow'): number => counted.filter(verdict => verdict[kind]).length / counted.length;
    const tooMuch = share('failed') >= window.failureRate || share('slow') >= window.slowCallRate;
    return counted.length >= window.minimumCalls && tooMuch ? 'open' : undefined;
  }

  enter(circuit: Model['circuit']): void {
    if (circuit === 'open') this.breaks += 1;
    if (circuit === 'closed') this.breaks = 0;
    this.circuit = circuit;
    this.period += 1;
    this.sinceMs = this.nowMs;
    this.probes = 0;
    this.verdicts = [];
  }
}

interface Call {
  readonly period: number | 'none';
  readonly admission: Admission;
  readonly breaker: CircuitBreaker;
  readonly beganMs: number;
}

/** A breaker and its model, side by side. */
class Comparison {
  readonly model: Model;
  readonly options: CircuitBreakerOptions;
  breaker: CircuitBreaker;
  calls: Call[] = [];

  constructor(numbers: CircuitBreakerOptions, breaksMs: readonly number[]) {
    const clock = {
      now: () => this.model.nowMs,
      monotonic: () => this.model.nowMs,
      monotonicCoarse: () => this.model.nowMs,
      setTimer: (): Timer => ({ cancel: () => {} }),
      setRepeatingTimer: (): Timer => ({ cancel: () => {} }),
      sleep: (delayMs: number): Promise<void> => sleepOn(clock, delayMs),
    };
    const settings = new CircuitBreaker(numbers).settings;
    this.model = new Model({ ...settings, breaksMs });
    this.options = { ...numbers, recoveryTimeMs: backoffOf(breaksMs), clock };
    this.breaker = new CircuitBreaker(this.options);
  }

  apply(command: Command): void {
    const { model } = this;
    if (command.do === 'wait') model.nowMs += command.ms;
    if (command.do === 'begin') this.begin();
    if (command.do === 'end') this.end(command.which, command.how);
    if (command.do === 'mode') {
      model.mode = command.mode;
      this.breaker.reconfigure({ mode: command.mode });
    }
    // What is half-open moves as open with its time up: there the model has nothing to compare.
    if (command.do === 'move' && model.circuit !== 'half-open') this.move();
    if (this.breaker.state !== model.state) expect(this.breaker.state).toBe(model.state);
    const probing = this.calls.filter(({ period }) => period === model.period).length;
    if (model.circuit === 'half-open') expect(probing).toBeLessThanOrEqual(model.numbers.halfOpenProbes);
  }

  begin(): void {
    const admission = this.breaker.tryAdmit();
    const period = this.model.begin();
    expect(admission !== undefined, `${this.model.state} admits`).toBe(period !== undefined);
    if (admission === undefined || period === undefined) expect(this.breaker.refusal().reason).toBe('open');
    else this.calls.push({ admission, period, breaker: this.breaker, beganMs: this.model.nowMs });
  }

  end(which: number, how: End): void {
    const [call] = this.calls.splice(which % Math.max(1, this.calls.length), 1);
    if (call === undefined) return;
    const { admission, breaker, period } = call;
    const tookMs = this.model.nowMs - call.beganMs;
    if (how === 'ok') breaker.succeeded(admission, tookMs);
    if (how === 'failed') breaker.failed(admission, new NetworkError('theirs'), undefined, tookMs);
    if (how === 'refused') breaker.failed(admission, new RejectedError('ours', 'limited'), undefined, tookMs);
    if (how === 'aborted') breaker.failed(admission, 'left', AbortSignal.abort(), tookMs);
    if (how === 'released') breaker.released(admission);
    this.model.end(period, how, tookMs);
  }

  /** The process is restarted: what it knew goes on in another breaker, calls under way are gone. */
  move(): void {
    const record = JSON.parse(JSON.stringify(this.breaker.exportState()));
    this.breaker = new CircuitBreaker({ ...this.options, mode: this.model.mode } as CircuitBreakerOptions);
    this.breaker.importState(record);
    this.calls = [];
  }

  /** Whatever has happened: with time and successes the circuit closes again. */
  recover(): void {
    const { halfOpenProbes, breaksMs } = this.model.numbers;
    this.apply({ do: 'mode', mode: 'normal' });
    if (this.model.circuit === 'closed') return;
    this.apply({ do: 'wait', ms: Math.max(...breaksMs) });
    this.calls = [];
    for (let probe = 0; probe < halfOpenProbes * 2 && this.breaker.state !== 'closed'; probe += 1) {
      this.apply({ do: 'begin' });
      this.apply({ do: 'end', which: this.calls.length - 1, how: 'ok' });
      if (this.calls.length === 0 && this.breaker.state === 'half-open') this.apply({ do: 'wait', ms: 1 });
    }
    if (this.breaker.state === 'half-open') this.recover();
    expect(this.breaker.state).toBe('closed');
  }
}

const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 20, arbitrary: fc.constant({ do: 'begin' } as const) },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      which: fc.nat(20),
      how: fc.constantFrom<End>('ok', 'ok', 'failed', 'failed', 'failed', 'refused', 'aborted', 'released'),
    }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(60) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('mode' as const),
      mode: fc.constantFrom<CircuitMode>('normal', 'normal', 'forced-open', 'forced-closed', 'shadow'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'move' } as const) },
);

const rates = {
  failureRate: fc.constantFrom(0.1, 0.3, 0.5, 1),
  slowCallMs: fc.option(fc.nat(60), { nil: undefined }),
  slowCallRate: fc.constantFrom(0.3, 0.5, 1),
};
const countWindow = fc
  .record({ kind: fc.constant('count' as const), size: fc.integer({ min: 1, max: 12 }), ...rates })
  .chain(window =>
    fc.integer({ min: 1, max: window.size }).map(minimumCalls => ({ window: { ...window, minimumCalls } })),
  );
const timeWindow = fc
  .record({
    kind: fc.constant('time' as const),
    windowMs: fc.constantFrom(50, 100, 300),
    buckets: fc.constantFrom(1, 5, 10),
    minimumCalls: fc.integer({ min: 1, max: 8 }),
    ...rates,
  })
  .map(window => ({ window }));
const row = fc.record({ failureThreshold: fc.integer({ min: 1, max: 4 }) });

describe('CircuitBreaker, beside its model', () => {
  it.each<[string, fc.Arbitrary<CircuitBreakerOptions>]>([
    ['failures in a row', row],
    ['a count window', countWindow],
    ['a time window', timeWindow],
  ])('admits, refuses and changes state as the model does, and never gets stuck: %s', (_kind, opensBy) => {
    fc.assert(
      fc.property(
        opensBy,
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 3 }),
        fc.array(commands, { maxLength: 60, size: 'max' }),
        (numbers, halfOpenProbes, breaksMs, sequence) => {
          const comparison = new Comparison({ ...numbers, halfOpenProbes }, breaksMs);
          for (const command of sequence) comparison.apply(command);
          comparison.recover();
        },
      ),
      { numRuns: Math.ceil(sequences / 3) },
    );
  });
});
