import { RejectedError } from '../errors/index.ts';
import { type Clock, DeadlineQueue, type QueuedDeadline } from '../kernel/index.ts';
import type { RedisArguments, RedisSender } from './driver.ts';
import { RedisCommandError, RedisUnavailableError } from './errors.ts';

/** What a {@link CommandLane} needs to know, and whom it tells. */
export interface CommandLaneOptions {
  /** For messages. */
  readonly name: string;
  readonly commandTimeoutMs: number;
  readonly maxInFlight: number;
  readonly clock: Clock;
  /** A caller was told that no answer came in time: the so-manieth in a row. */
  readonly onTimeout: (inRow: number) => void;
  /** The server gave an answer, be it too late for its caller. */
  readonly onAnswer: () => void;
}

/** Errors of a server that is there, but cannot serve now. */
const passingErrors = /^(?:LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY|NOREPLICAS|OOM|MISCONF)\b/;

/** The commands under way: bounded in number, each with a time limit, all on one timer. */
export class CommandLane {
  readonly deadlines: DeadlineQueue;
  readonly #options: CommandLaneOptions;
  #inFlight = 0;
  #timeoutsInRow = 0;

  constructor(options: CommandLaneOptions) {
    this.#options = options;
    this.deadlines = new DeadlineQueue(options.commandTimeoutMs, options.clock);
  }

  /** Sends a command and waits for its answer, no longer than the time limit. */
  send(sender: RedisSender, words: RedisArguments, key: string | undefined, asBytes: boolean): Promise<unknown> {
    const { maxInFlight, name } = this.#options;
    if (this.#inFlight >= maxInFlight) {
      const message = `Cannot ask Redis "${name}": ${maxInFlight} commands wait for an answer already`;
      return Promise.reject(new RejectedError(message, 'full'));
    }
    return new Promise((resolve, reject) => {
      const command = new PendingCommand(this, resolve, reject);
      // Counted until the client lets go of it, not until its caller does: it is the client's memory that is bounded.
      this.#inFlight += 1;
      sender.send(words, key, asBytes).then(
        reply => command.succeed(reply),
        error => command.fail(sender.isReply(error), error),
      );
    });
  }

  /** A command has got its answer. */
  answered(): void {
    this.#inFlight -= 1;
    this.#timeoutsInRow = 0;
    this.#options.onAnswer();
  }

  /** A command ends without an answer, because its connection did. */
  lost(cause: unknown): RedisUnavailableError {
    this.#inFlight -= 1;
    return new RedisUnavailableError(`Redis "${this.#options.name}" is away: the connection broke`, 'connection-lost', {
      cause,
    });
  }

  /** A command has got an error for an answer. */
  failed(cause: unknown): Error {
    const text = cause instanceof Error ? cause.message : String(cause);
    const message = `Redis "${this.#options.name}" refused a command: ${text}`;
    if (passingErrors.test(text)) return new RedisUnavailableError(message, 'refused', { cause });
    return new RedisCommandError(message, { cause });
  }

  /** The time of a command is up. */
  timedOut(): RedisUnavailableError {
    this.#timeoutsInRow += 1;
    this.#options.onTimeout(this.#timeoutsInRow);
    const { name, commandTimeoutMs } = this.#options;
    return new RedisUnavailableError(`Redis "${name}" gave no answer within ${commandTimeoutMs} ms`, 'timed-out');
  }
}

/** A command under way: it ends with its answer or at its deadline, whichever is first. */
class PendingCommand implements QueuedDeadline {
  dueMs = 0;
  previous: QueuedDeadline | undefined = undefined;
  next: QueuedDeadline | undefined = undefined;
  readonly #lane: CommandLane;
  readonly #resolve: (reply: unknown) => void;
  readonly #reject: (error: Error) => void;
  #waiting = true;

  constructor(lane: CommandLane, resolve: (reply: unknown) => void, reject: (error: Error) => void) {
    this.#lane = lane;
    this.#resolve = resolve;
    this.#reject = reject;
    lane.deadlines.add(this);
  }

  succeed(reply: unknown): void {
    this.#lane.answered();
    if (this.#leave()) this.#resolve(reply);
  }

  /** @param isReply Whether the error is the server's answer, and not the lack of one. */
  fail(isReply: boolean, cause: unknown): void {
    if (isReply) this.#lane.answered();
    const error = isReply ? this.#lane.failed(cause) : this.#lane.lost(cause);
    if (this.#leave()) this.#reject(error);
  }

  expire(): void {
    this.#waiting = false;
    this.#reject(this.#lane.timedOut());
  }

  #leave(): boolean {
    if (!this.#waiting) return false;
    this.#waiting = false;
    this.#lane.deadlines.remove(this);
    return true;
  }
}
