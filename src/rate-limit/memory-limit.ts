import type { Clock, Timer } from '../kernel/index.ts';
import type { RateLimitDecision } from './decision.ts';
import type { Ledger } from './ledger.ts';
import { SlidingWindowLedger } from './sliding-window-ledger.ts';
import type { CompiledLimit, RateLimitLaw } from './store.ts';
import { TokenBucketLedger } from './token-bucket-ledger.ts';

/** Keys that were seen between two moments, and what the laws remember of them. */
interface Generation {
  readonly slots: Map<string, number>;
  readonly ledgers: readonly Ledger[];
  /** The last slot given out. */
  lastSlot: number;
}

/** Expired keys leave this often at most, in milliseconds. */
const minimumTurnMs = 1_000;
/** Timers may fire a little early: at the turn the old generation must have recovered. */
const timerSlackMs = 10;

/**
 * One limit in memory. Keys live in two generations: what is asked for enters the current one or is moved to it. At
 * every turn, one recovery time apart, the current generation becomes the previous one, and the one before is dropped
 * whole: nobody has asked for its keys for a recovery time, so that they are as good as new. No key has a timer, and
 * nothing is searched.
 */
export class MemoryLimit {
  readonly #clock: Clock;
  #limit: CompiledLimit;
  #recoveryMs = 0;
  #current: Generation;
  #previous: Generation;
  // What was in the previous generation was last asked for before this moment.
  #turnedAtMs: number;
  #oldest: Iterator<string>;
  #timer: Timer | undefined;
  #nowMs: number;
  // The last denial, while it cannot have changed.
  #denial: RateLimitDecision | undefined;
  #deniedKey = '';
  #deniedCost = 0;
  #deniedAtMs = 0;

  constructor(limit: CompiledLimit, clock: Clock) {
    this.#clock = clock;
    this.#limit = limit;
    this.#nowMs = clock.monotonicCoarse();
    this.#current = newGeneration(limit.laws);
    this.#previous = newGeneration(limit.laws);
    this.#recoveryMs = recoveryMsOf(this.#current);
    this.#turnedAtMs = this.#nowMs;
    this.#oldest = this.#previous.slots.keys();
  }

  /** The numbers in force. */
  get limit(): CompiledLimit {
    return this.#limit;
  }

  /** How many keys are held. */
  get size(): number {
    return this.#current.slots.size + this.#previous.slots.size;
  }

  take(key: string, cost: number): RateLimitDecision {
    const nowMs = this.#readClock();
    if (this.#denial !== undefined) {
      if (nowMs === this.#deniedAtMs && cost === this.#deniedCost && key === this.#deniedKey) return this.#denial;
      this.#denial = undefined;
    }
    const slot = this.#current.slots.get(key) ?? this.#enter(key, nowMs);
    const { ledgers } = this.#current;
    const decision =
      ledgers.length === 1 ? takeOne(ledgers[0] as Ledger, slot, cost, nowMs) : takeAll(ledgers, slot, cost, nowMs);
    if (!decision.allowed) {
      this.#denial = decision;
      this.#deniedKey = key;
      this.#deniedCost = cost;
      this.#deniedAtMs = nowMs;
    }
    return decision;
  }

  peek(key: string, cost: number): RateLimitDecision {
    const nowMs = this.#readClock();
    const generation = this.#generationOf(key);
    return decide(generation.ledgers, generation.slots.get(key) ?? 0, cost, nowMs);
  }

  reset(key: string): void {
    const { slots, ledgers } = this.#generationOf(key);
    const slot = slots.get(key);
    if (slot === undefined) return;
    this.#denial = undefined;
    for (const ledger of ledgers) ledger.clear(slot);
  }

  /** Takes over new numbers. What was taken stays taken, as far as it is remembered. */
  reconfigure(limit: CompiledLimit): void {
    const nowMs = this.#readClock();
    const isSame = JSON.stringify(limit.laws) === JSON.stringify(this.#limit.laws);
    this.#limit = limit;
    if (isSame) return;
    this.#denial = undefined;
    this.#current = underLaws(this.#current, limit.laws, nowMs);
    this.#previous = underLaws(this.#previous, limit.laws, nowMs);
    this.#recoveryMs = recoveryMsOf(this.#current);
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#startTimer();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#current = newGeneration(this.#limit.laws);
    this.#previous = newGeneration(this.#limit.laws);
  }

  /** A clock that goes back stands still. */
  #readClock(): number {
    const nowMs = this.#clock.monotonicCoarse();
    if (nowMs > this.#nowMs) this.#nowMs = nowMs;
    return this.#nowMs;
  }

  #generationOf(key: string): Generation {
    return this.#current.slots.has(key) ? this.#current : this.#previous;
  }

  /** Gives a key its place in the current generation, with what the previous one knows of it. */
  #enter(key: string, nowMs: number): number {
    const former = this.#previous.slots.get(key);
    if (former === undefined && this.size >= this.#limit.maxKeys) this.#makeRoom(nowMs);
    const { slots, ledgers } = this.#current;
    this.#current.lastSlot += 1;
    const slot = this.#current.lastSlot;
    for (const [index, ledger] of ledgers.entries()) {
      ledger.reserve(slot);
      if (former !== undefined) ledger.copy(this.#previous.ledgers[index] as Ledger, former, slot, nowMs);
    }
    if (former !== undefined) this.#previous.slots.delete(key);
    slots.set(key, slot);
    if (this.#timer === undefined) this.#startTimer();
    return slot;
  }

  #makeRoom(nowMs: number): void {
    if (this.#previous.slots.size === 0 || nowMs - this.#turnedAtMs >= this.#recoveryMs) this.#turn(nowMs);
    if (this.size < this.#limit.maxKeys) return;
    const { value: key, done } = this.#oldest.next();
    if (done) return;
    this.#previous.slots.delete(key);
    this.#limit.onEvicted(key);
  }

  #turn(nowMs: number): void {
    this.#previous = this.#current;
    this.#oldest = this.#previous.slots.keys();
    this.#current = newGeneration(this.#limit.laws);
    this.#turnedAtMs = nowMs;
  }

  #startTimer(): void {
    const turnMs = Math.max(minimumTurnMs, this.#recoveryMs + timerSlackMs);
    this.#timer = this.#clock.setRepeatingTimer(turnMs, () => {
      const nowMs = this.#readClock();
      if (this.#previous.slots.size === 0 || nowMs - this.#turnedAtMs >= this.#recoveryMs) this.#turn(nowMs);
      if (this.size > 0) return;
      this.#timer?.cancel();
      this.#timer = undefined;
    });
  }
}

/** The common case, without the detours of {@link takeAll}. */
function takeOne(ledger: Ledger, slot: number, cost: number, nowMs: number): RateLimitDecision {
  ledger.settle(slot, nowMs);
  const waitMs = ledger.waitMs(slot, cost, nowMs);
  if (waitMs === 0) ledger.take(slot, cost, nowMs);
  return decisionOf(ledger, slot, waitMs, nowMs);
}

/** All admit, or nothing is taken. */
function takeAll(ledgers: readonly Ledger[], slot: number, cost: number, nowMs: number): RateLimitDecision {
  for (const ledger of ledgers) {
    ledger.settle(slot, nowMs);
    if (ledger.waitMs(slot, cost, nowMs) > 0) return decide(ledgers, slot, cost, nowMs);
  }
  for (const ledger of ledgers) ledger.take(slot, cost, nowMs);
  return decisionOf(tightest(ledgers, slot, nowMs), slot, 0, nowMs);
}

/** What the laws say together: the law with the longest wait, or else the one with the least left, speaks for all. */
function decide(ledgers: readonly Ledger[], slot: number, cost: number, nowMs: number): RateLimitDecision {
  for (const ledger of ledgers) ledger.settle(slot, nowMs);
  let speaker = tightest(ledgers, slot, nowMs);
  let waitMs = 0;
  for (const ledger of ledgers) {
    const ownWaitMs = ledger.waitMs(slot, cost, nowMs);
    if (ownWaitMs <= waitMs) continue;
    waitMs = ownWaitMs;
    speaker = ledger;
  }
  return decisionOf(speaker, slot, waitMs, nowMs);
}

function tightest(ledgers: readonly Ledger[], slot: number, nowMs: number): Ledger {
  return ledgers.reduce((least, ledger) =>
    ledger.remaining(slot, nowMs) < least.remaining(slot, nowMs) ? ledger : least,
  );
}

function decisionOf(ledger: Ledger, slot: number, waitMs: number, nowMs: number): RateLimitDecision {
  const allowed = waitMs === 0;
  return {
    allowed,
    outcome: allowed ? 'allowed' : 'denied',
    limit: ledger.limit,
    remaining: ledger.remaining(slot, nowMs),
    retryAfterMs: waitMs,
    resetAfterMs: ledger.resetAfterMs(slot, nowMs),
  };
}

function newGeneration(laws: readonly RateLimitLaw[]): Generation {
  return { slots: new Map(), ledgers: laws.map(ledgerOf), lastSlot: 0 };
}

function ledgerOf(law: RateLimitLaw): Ledger {
  return law.kind === 'token-bucket' ? new TokenBucketLedger(law) : new SlidingWindowLedger(law);
}

function recoveryMsOf({ ledgers }: Generation): number {
  return Math.max(...ledgers.map(ledger => ledger.recoveryMs));
}

/** The same keys under other laws. */
function underLaws(generation: Generation, laws: readonly RateLimitLaw[], nowMs: number): Generation {
  const ledgers = laws.map(ledgerOf);
  for (const ledger of ledgers) {
    const source = sourceOf(ledger, generation.ledgers);
    for (let slot = 1; slot <= generation.lastSlot; slot += 1) {
      ledger.reserve(slot);
      if (source !== undefined) ledger.copy(source, slot, slot, nowMs);
    }
  }
  return { slots: generation.slots, ledgers, lastSlot: generation.lastSlot };
}

/** The ledger that remembers just far enough back; if none does, the one that remembers longest. */
function sourceOf(ledger: Ledger, candidates: readonly Ledger[]): Ledger | undefined {
  if (ledger instanceof TokenBucketLedger) return candidates.find(candidate => candidate instanceof TokenBucketLedger);
  const { recoveryMs } = ledger;
  const windows = candidates
    .filter(candidate => candidate instanceof SlidingWindowLedger)
    .sort((a, b) => a.recoveryMs - b.recoveryMs);
  return windows.find(candidate => candidate.recoveryMs >= recoveryMs) ?? windows.at(-1);
}
