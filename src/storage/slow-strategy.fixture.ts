import type { Clock, Random } from '../kernel/index.ts';
import { type KeyPage, type ObjectInfo, type OpenObject, StorageError, type StorageStrategy } from './index.ts';
import { KeyLocks } from './key-locks.ts';

type Put = StorageStrategy['put'];
type Finish = (current: ObjectInfo | undefined, bytes: number) => string | Promise<string>;

/** What stands under a key. */
interface Stored {
  readonly info: ObjectInfo;
  readonly content: Buffer;
}

/** How a {@link SlowStrategy} behaves. */
export interface SlowStrategyOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Longest time that one step takes, in milliseconds. */
  readonly maxStepMs: number;
  /** How often a write or a deletion fails, from 0 to 1: half of them before it was made, half of them after. */
  readonly failureRate: number;
}

/** Keeps objects in memory, in many steps that take time, with one writer of a key at a time; fails if it is told to. */
export class SlowStrategy implements StorageStrategy {
  readonly objects = new Map<string, Stored>();
  /** Called after every change of an object. */
  changed: () => void = () => undefined;
  failureRate: number;
  readonly #options: SlowStrategyOptions;
  readonly #locks = new KeyLocks();
  #versions = 0;

  constructor(options: SlowStrategyOptions) {
    this.#options = options;
    this.failureRate = options.failureRate;
  }

  async put(key: string, content: AsyncIterable<Uint8Array>, options: Parameters<Put>[2]): Promise<ObjectInfo> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) {
      await this.#step();
      chunks.push(chunk);
    }
    return await this.#commit(key, Buffer.concat(chunks), options.finish);
  }

  async open(key: string): Promise<OpenObject | undefined> {
    await this.#step();
    const found = this.objects.get(key);
    await this.#step();
    this.#failIf(this.failureRate / 4);
    return found && openObject(found);
  }

  async copy(
    from: string,
    to: string,
    { finish }: Parameters<StorageStrategy['copy']>[2],
  ): ReturnType<StorageStrategy['copy']> {
    await this.#step();
    const source = this.objects.get(from);
    if (source === undefined) return undefined;
    await this.#step();
    return await this.#commit(to, source.content, current => finish(source.info, current));
  }

  async updateMetadata(
    ...[key, change]: Parameters<StorageStrategy['updateMetadata']>
  ): Promise<ObjectInfo | undefined> {
    return await this.#locks.run(key, async () => {
      await this.#step();
      const found = this.objects.get(key);
      if (found === undefined) return undefined;
      const metadata = await change(found.info);
      if (metadata === undefined) return found.info;
      return await this.#faulty(() => this.#set(key, found.content, metadata));
    });
  }

  async delete(key: string, { version }: { readonly version?: string | undefined } = {}): Promise<boolean> {
    const isGone = await this.#locks.run(key, async () => {
      await this.#step();
      const found = this.objects.get(key);
      if (found === undefined || (version !== undefined && found.info.version !== version)) return false;
      return await this.#faulty(() => {
        this.objects.delete(key);
        this.changed();
        return true;
      });
    });
    for (let left = this.#upTo(8); left > 0; left -= 1) await this.#step();
    return isGone;
  }

  async list({ prefix = '', after, limit }: Parameters<StorageStrategy['list']>[0]): Promise<KeyPage> {
    await this.#step();
    const behind = Buffer.from(after ?? '');
    const keys = [...this.objects.keys()]
      .filter(key => key.startsWith(prefix) && Buffer.compare(Buffer.from(key), behind) > 0)
      .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    await this.#step();
    // Short pages, so that counts have several.
    const length = Math.min(limit, 3);
    return { keys: keys.slice(0, length), more: keys.length > length };
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  async #commit(key: string, content: Buffer, finish: Finish): Promise<ObjectInfo> {
    const info = await this.#locks.run(key, async () => {
      await this.#step();
      const metadata = await finish(this.objects.get(key)?.info, content.length);
      return await this.#faulty(() => this.#set(key, content, metadata));
    });
    // Others write the key already, and may be done sooner, while this one tidies up.
    for (let left = this.#upTo(8); left > 0; left -= 1) await this.#step();
    return info;
  }

  #set(key: string, content: Buffer, metadata: string): ObjectInfo {
    this.#versions += 1;
    const info = { key, version: String(this.#versions), bytes: content.length, metadata };
    this.objects.set(key, { info, content });
    this.changed();
    return info;
  }

  async #faulty<Result>(work: () => Result): Promise<Result> {
    await this.#step();
    this.#failIf(this.failureRate / 2);
    const result = work();
    await this.#step();
    this.#failIf(this.failureRate / 2);
    return result;
  }

  #failIf(rate: number): void {
    if (this.#options.random.next() < rate) throw new StorageError('The store has failed', { retryable: true });
  }

  async #step(): Promise<void> {
    await this.#options.clock.sleep(this.#upTo(this.#options.maxStepMs));
  }

  #upTo(most: number): number {
    return Math.floor(this.#options.random.next() * (most + 1));
  }
}

function openObject({ info, content }: Stored): OpenObject {
  async function* read(): AsyncGenerator<Uint8Array> {
    yield content;
  }
  const close = async (): Promise<void> => undefined;
  return { info, read, close, [Symbol.asyncDispose]: close };
}
