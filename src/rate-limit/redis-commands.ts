import type { RedisConnection, RedisScript } from '../redis/index.ts';
import type { LimitAnswer, LimitPlan } from './redis-plan.ts';
import { limitScript, maxGrant } from './redis-script.ts';

/** How many limits of a store may have their numbers in the text of a script. */
const maxConstantLimits = 1_000;

/** What a plan needs on a connection. A key is its beginning, the key of the caller and a brace. */
interface PlanCommands {
  readonly keyBegin: string;
  /** Of the second law and further ones: each has a key of its own, in the same slot. */
  readonly keyEnds: readonly string[];
  readonly take: RedisScript;
  readonly peek: RedisScript;
  /** What `take` needs to be told of the laws: nothing where it knows them. */
  readonly numbers: readonly string[];
}

/**
 * Asks Redis about limits.
 *
 * The numbers that a limit has at first stand in the text of its script, which is a quarter cheaper for the server than to
 * be told them each time. A server keeps every text that it was sent, so that numbers which change while the limiter
 * works are arguments.
 */
export class LimitCommands {
  readonly #redis: RedisConnection;
  readonly #commands = new WeakMap<LimitPlan, PlanCommands>();
  readonly #constantNames = new Set<string>();

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  /** Takes at least `cost` permits and at most `most`, or none. */
  take(plan: LimitPlan, key: string, cost: number, most: number): Promise<LimitAnswer> {
    const { take, numbers } = this.#commandsOf(plan);
    const isPlain = numbers.length === 0 && cost === 1 && most === 1;
    const args = isPlain ? numbers : [String(cost), String(Math.min(most, maxGrant)), ...numbers];
    return this.#run(take, plan, key, args);
  }

  /** What {@link take} would answer. */
  peek(plan: LimitPlan, key: string, cost: number): Promise<LimitAnswer> {
    return this.#run(this.#commandsOf(plan).peek, plan, key, [String(cost), String(cost), ...plan.numbers]);
  }

  /** Makes a limit whole. */
  async reset(plan: LimitPlan, key: string): Promise<void> {
    await this.#redis.command(['UNLINK', ...this.#keysOf(plan, key)]);
  }

  #run(script: RedisScript, plan: LimitPlan, key: string, args: readonly string[]): Promise<LimitAnswer> {
    return script.run(this.#keysOf(plan, key), args).then(reply => plan.read(reply));
  }

  #keysOf(plan: LimitPlan, key: string): readonly string[] {
    const { keyBegin, keyEnds } = this.#commandsOf(plan);
    const first = `${keyBegin}${key}}`;
    return keyEnds.length === 0 ? [first] : [first, ...keyEnds.map(end => first + end)];
  }

  #commandsOf(plan: LimitPlan): PlanCommands {
    let commands = this.#commands.get(plan);
    if (commands === undefined) {
      commands = this.#make(plan);
      this.#commands.set(plan, commands);
    }
    return commands;
  }

  #make({ limit, shape, numbers }: LimitPlan): PlanCommands {
    const names = this.#constantNames;
    const isConstant = names.size < maxConstantLimits && !names.has(limit.name);
    if (isConstant) names.add(limit.name);
    return {
      // Encoded, so that no name with a colon and key are those of another name.
      // The version of what is kept and its shape stand in the key: what cannot be read is not met.
      keyBegin: this.#redis.key('limit', `2${shape}`, `{${encodeURIComponent(limit.name)}:`),
      keyEnds: limit.laws.slice(1).map((_, index) => `:${index + 1}`),
      take: this.#redis.script(limitScript(shape, 'take', isConstant ? numbers : undefined)),
      peek: this.#redis.script(limitScript(shape, 'peek')),
      numbers: isConstant ? [] : numbers,
    };
  }
}
