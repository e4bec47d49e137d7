import { ArgumentError, RejectedError } from '../errors/index.ts';
import { abortReason, type Clock, requireDuration, requireInteger, requireNumber } from '../kernel/index.ts';
import type { SlotRequest, SlotWait } from './concurrency-slot.ts';
import { Waiter, WaiterList } from './waiter-list.ts';

/** How calls wait for a slot, as far as it can be changed while they do. */
export interface QueueChanges {
  /** How many calls may wait for a slot. @default 100 */
  readonly maxQueued?: number | undefined;
  /** How long a call may wait for a slot, in milliseconds. @default 30_000 */
  readonly maxWaitMs?: number | undefined;
  /**
   * The share of the slots that one tenant is given while others wait, above 0 and up to 1; one slot at least. 1 shares
   * nothing out. @default 1
   */
  readonly tenantShare?: number | undefined;
}

/** How calls wait for a slot. */
export interface QueueOptions extends QueueChanges {
  /** How many priorities there are: 0 is the lowest, `priorities - 1` the highest. @default 3 */
  readonly priorities?: number | undefined;
}

/** {@link QueueOptions} with every number filled in. */
export interface QueueSettings {
  readonly maxQueued: number;
  readonly maxWaitMs: number;
  readonly priorities: number;
  readonly tenantShare: number;
}

/** Why a call got no slot. */
export type SlotRejection = 'full' | 'out-of-time';

/** How a {@link SlotQueue} is made. */
export interface SlotQueueOptions {
  /** What it is called in messages, such as `bulkhead "billing"`. */
  readonly title: string;
  readonly clock: Clock;
  readonly limit: number;
  readonly settings: QueueSettings;
  onRejected(reason: SlotRejection): void;
}

/**
 * A number of slots and a bounded queue in front of them. A slot is free only while nobody waits: what becomes free goes
 * to whom it is due at once, by priority, then to the tenant that holds the fewest, then by arrival.
 */
export class SlotQueue {
  readonly #title: string;
  readonly #clock: Clock;
  readonly #onRejected: (reason: SlotRejection) => void;
  // By priority, then by tenant.
  readonly #waiting: readonly Map<string | undefined, WaiterList>[];
  #limit: number;
  #settings: QueueSettings;
  #active = 0;
  #queued = 0;
  #arrivals = 0;
  // Slots held by named tenants; all others belong to calls without one.
  readonly #held = new Map<string, number>();
  #heldByNamed = 0;

  constructor(options: SlotQueueOptions) {
    this.#title = options.title;
    this.#clock = options.clock;
    this.#onRejected = options.onRejected;
    this.#limit = options.limit;
    this.#settings = options.settings;
    this.#waiting = Array.from({ length: options.settings.priorities }, () => new Map());
  }

  /** Slots taken. */
  get active(): number {
    return this.#active;
  }

  /** Calls that wait. */
  get queued(): number {
    return this.#queued;
  }

  get limit(): number {
    return this.#limit;
  }

  get settings(): QueueSettings {
    return this.#settings;
  }

  tryAcquire(request: SlotRequest | undefined): boolean {
    if (this.#active >= this.#limit) return false;
    this.#take(request?.tenant);
    return true;
  }

  acquire(wait: SlotWait): Promise<void> {
    const { signal, tenant, priority, deadlineMs = Number.POSITIVE_INFINITY } = wait;
    if (signal?.aborted) return Promise.reject(abortReason(signal));
    if (this.tryAcquire(wait)) return Promise.resolve();
    if (this.#queued >= this.#settings.maxQueued) return Promise.reject(this.#full());
    const waitMs = Math.min(this.#settings.maxWaitMs, deadlineMs - this.#clock.monotonic());
    if (waitMs <= 0) return Promise.reject(this.#outOfTime(waitMs));
    return new Promise((resolve, reject) => {
      const waiter = new Waiter({
        tenant,
        order: this.#arrivals,
        list: this.#listOf(priority, tenant),
        resolve,
      });
      this.#arrivals += 1;
      this.#queued += 1;
      const leave = (reason: () => unknown): void => {
        this.#remove(waiter);
        reject(reason());
      };
      waiter.timer = this.#clock.setTimer(waitMs, () => leave(() => this.#outOfTime(waitMs)), {
        keepsProcessAlive: true,
      });
      if (signal !== undefined) waiter.listen(signal, () => leave(() => abortReason(signal)));
    });
  }

  /** Gives a slot back, to the next one who waits. */
  release(tenant: string | undefined): void {
    if (this.#active === 0)
      throw new ArgumentError(`Cannot release a slot of ${this.#title}: none is taken`, 'release');
    this.#active -= 1;
    if (tenant !== undefined) this.#hold(tenant, -1);
    this.#grant();
  }

  /** Changes the number of slots; more than before are given out at once, fewer as they come back. */
  resize(limit: number): void {
    this.#limit = limit;
    this.#grant();
  }

  /**
   * Changes how calls wait. Those who wait already keep their place and their time.
   *
   * @throws {ArgumentError} for another number of priorities: calls wait in them.
   */
  reconfigure(settings: QueueSettings): void {
    const { priorities } = this.#settings;
    if (settings.priorities !== priorities) {
      throw new ArgumentError(
        `Cannot change priorities while calls may wait: expected ${priorities}, got ${settings.priorities}`,
        'priorities',
      );
    }
    this.#settings = settings;
  }

  #listOf(priority: number | undefined, tenant: string | undefined): WaiterList {
    const highest = this.#waiting.length - 1;
    const tenants = this.#waiting[Math.max(0, Math.min(highest, Math.trunc(priority ?? 0) || 0))] as Map<
      string | undefined,
      WaiterList
    >;
    const known = tenants.get(tenant);
    if (known !== undefined) return known;
    const list = new WaiterList(() => tenants.delete(tenant));
    tenants.set(tenant, list);
    return list;
  }

  #take(tenant: string | undefined): void {
    this.#active += 1;
    if (tenant !== undefined) this.#hold(tenant, 1);
  }

  #hold(tenant: string, change: 1 | -1): void {
    const held = this.#heldBy(tenant) + change;
    if (held > 0) this.#held.set(tenant, held);
    else this.#held.delete(tenant);
    this.#heldByNamed += change;
  }

  #heldBy(tenant: string | undefined): number {
    return tenant === undefined ? this.#active - this.#heldByNamed : (this.#held.get(tenant) ?? 0);
  }

  #grant(): void {
    while (this.#queued > 0 && this.#active < this.#limit) {
      const waiter = this.#next();
      if (waiter === undefined) return;
      this.#remove(waiter);
      this.#take(waiter.tenant);
      waiter.resolve();
    }
  }

  #remove(waiter: Waiter): void {
    this.#queued -= 1;
    waiter.leave();
  }

  /** Whose turn it is: tenants that have their share come only when nobody else waits. */
  #next(): Waiter | undefined {
    const share = Math.max(1, Math.floor(this.#settings.tenantShare * this.#limit));
    return this.#nextBelow(share) ?? this.#nextBelow(Number.POSITIVE_INFINITY);
  }

  #nextBelow(share: number): Waiter | undefined {
    for (let priority = this.#waiting.length - 1; priority >= 0; priority -= 1) {
      let chosen: Waiter | undefined;
      let fewest = share;
      for (const [tenant, { first }] of this.#waiting[priority] ?? []) {
        const held = this.#heldBy(tenant);
        if (first === undefined || held > fewest || (held === fewest && (chosen?.order ?? -1) < first.order)) continue;
        chosen = first;
        fewest = held;
      }
      if (chosen !== undefined) return chosen;
    }
    return undefined;
  }

  #full(): RejectedError {
    this.#onRejected('full');
    const { maxQueued } = this.#settings;
    return new RejectedError(
      `The ${this.#title} is full: ${this.#active} of ${this.#limit} slots are taken and ${this.#queued} of ${maxQueued} places in the queue`,
      'full',
    );
  }

  #outOfTime(waitMs: number): RejectedError {
    this.#onRejected('out-of-time');
    return new RejectedError(
      `No slot of the ${this.#title} became free within ${Math.max(0, Math.round(waitMs))} ms: ${this.#active} of ${this.#limit} are taken and ${this.#queued} calls wait`,
      'out-of-time',
    );
  }
}

/**
 * Fills in the defaults and refuses what makes no sense.
 *
 * @throws {ArgumentError} with the option's name and value.
 */
export function queueSettings(options: QueueOptions): QueueSettings {
  const { maxQueued = 100, maxWaitMs = 30_000, priorities = 3, tenantShare = 1 } = options;
  return {
    maxQueued: requireInteger('maxQueued', maxQueued, 0),
    maxWaitMs: requireDuration('maxWaitMs', maxWaitMs, 1),
    priorities: requireInteger('priorities', priorities, 1, 100),
    tenantShare: requireNumber('tenantShare', tenantShare, Number.EPSILON, 1),
  };
}
