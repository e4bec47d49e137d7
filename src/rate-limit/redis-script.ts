/** What a script does for its law: one letter per law, in the order of the limit. `b` a bucket, `w` a window. */
export type ScriptShape = string;

/** Whether the script takes, or only looks. */
export type ScriptMode = 'take' | 'peek';

/** The most laws that one decision can be about: their number goes into three bits of the answer. */
export const maxLaws = 8;

/** The most permits that one trip can take: their number goes into 16 bits of the answer. */
export const maxGrant = 65_535;

/** Bytes of an entry of a window: when (6) and how many (4). */
const entryBytes = 10;

interface LawText {
  /** Names of its arguments. */
  readonly numbers: readonly string[];
  /** Names of what is kept of it in the head of the value, and their format. */
  readonly kept: readonly string[];
  readonly format: string;
  /** Brings what was kept to this moment; sets `left<n>`, the permits that are left. */
  readonly look: string;
  /** Sets `wait` and `whole` of a law that has too little left. */
  readonly refuse: string;
  /** Books `grant`; the expressions of what is kept from now on, and of the entries behind the head. */
  readonly book: string;
  readonly keep: readonly string[];
  readonly entries: string;
}

/**
 * A bucket is kept as its backlog in permits. Time is whole milliseconds, rounded down: an interval that began in the
 * middle of one would seem up to a millisecond longer than it is. So a backlog never counts as less than what comes back
 * in one millisecond; while that very millisecond lasts (`slack`), the burst is not made smaller by it.
 */
function bucketText(n: number): LawText {
  return {
    numbers: [`rate${n}`, `capacity${n}`],
    kept: [`backlog${n}`, `lifted${n}`],
    format: 'dB',
    look: `
backlog${n} = backlog${n} - passed * rate${n}
local slack${n} = 0
if backlog${n} <= rate${n} then backlog${n} = rate${n} slack${n} = rate${n}
elseif lifted${n} == 1 and passed == 0 then slack${n} = rate${n} end
local left${n} = capacity${n} + slack${n} - backlog${n}`,
    refuse: `
wait = math.ceil((cost - left${n}) / rate${n})
whole = math.ceil(backlog${n} / rate${n})`,
    book: `
backlog${n} = backlog${n} + grant
lifted${n} = slack${n} > 0 and 1 or 0`,
    keep: [`backlog${n}`, `lifted${n}`],
    entries: '',
  };
}

/**
 * A window is kept as a list of when permits were taken and how many, oldest first; what was taken within one tick is one
 * entry with the time of its last. An entry leaves when its time is more than a window ago.
 */
function windowText(n: number, start: string): LawText {
  return {
    numbers: [`requests${n}`, `window${n}`, `tick${n}`],
    kept: [`sum${n}`, `entries${n}`],
    format: 'I6I2',
    look: `
local first${n} = ${start}
local stop${n} = first${n} + ${entryBytes} * entries${n}
local edge${n} = now - window${n}
while first${n} < stop${n} do
  local time, count = struct.unpack('<I6I4', value, first${n})
  if time >= edge${n} then break end
  sum${n} = sum${n} - count
  first${n} = first${n} + ${entryBytes}
end
local left${n} = requests${n} - sum${n}`,
    refuse: `
local position, missing = first${n}, cost - left${n}
while position < stop${n} do
  local time, count = struct.unpack('<I6I4', value, position)
  missing = missing - count
  wait = time + window${n} + 1 - now
  if missing <= 0 then break end
  position = position + ${entryBytes}
end
local last = struct.unpack('<I6', value, stop${n} - ${entryBytes})
whole = last + window${n} + 1 - now`,
    book: `
local keep${n}, merged${n} = stop${n} - 1, grant
if first${n} < stop${n} then
  local time, count = struct.unpack('<I6I4', value, stop${n} - ${entryBytes})
  if time - time % tick${n} == now - now % tick${n} then
    keep${n} = keep${n} - ${entryBytes}
    merged${n} = count + grant
  end
end`,
    keep: [`sum${n} + grant`, `(keep${n} + 1 - first${n}) / ${entryBytes} + 1`],
    entries: `..string.sub(value, first${n}, keep${n})..struct.pack('<I6I4', now, merged${n})`,
  };
}

/**
 * The script of a shape: one decision over all its laws in one trip, on one key, by the server's clock alone. The clock is
 * what is left of the key's own time to live, which is cheaper to ask than the time. A key lives for twice as long as its
 * laws look back (`span`), so that most writes need not set its time to live anew, which is most of what a write costs.
 *
 * The arguments are numbers: cost, most to take, span, then those of each law. The answer of an admission
 * is one whole number, see `LimitPlan.read`; of a refusal, a list: which law, what is left of it, when to ask again, when
 * it will be whole. A refusal writes nothing.
 */
export function limitScript(shape: ScriptShape, mode: ScriptMode): string {
  const hasWindow = shape.includes('w');
  const laws = lawTexts(shape);
  const numbers = ['cost', 'most', 'span', ...laws.flatMap(law => law.numbers)];
  const kept = ['saved', ...(hasWindow ? ['now'] : []), ...laws.flatMap(law => law.kept)];
  const format = `<${hasWindow ? 'I6I6' : 'I6'}${laws.map(law => law.format).join('')}`;
  const least = laws.slice(1).map((_, n) => `\nif left${n + 1} < left then left = left${n + 1} law = ${n + 1} end`);
  const refusals = laws.map(
    (law, n) => `
if left${n} < cost then
  local wait, whole = 0, 0${law.refuse}
  if wait > longest then longest = wait answer = { ${n}, math.floor(left${n}), wait, whole } end
end`,
  );
  const values = ['live', ...(hasWindow ? ['now'] : []), ...laws.flatMap(law => law.keep)];
  const write = `
${laws.map(law => law.book).join('')}
local lasts = live > span
if not lasts then live = 2 * span end
local written = struct.pack('${format}', ${values.join(', ')})${laws.map(law => law.entries).join('')}
if not lasts then call('SET', key, written, 'PX', string.format('%d', live))
else ${hasWindow ? "call('SET', key, written, 'KEEPTTL')" : "call('SETRANGE', key, '0', written)"} end`;
  return `local call = redis.call
local key = KEYS[1]
local ${numbers.join(', ')} = ${numbers.map((_, index) => `ARGV[${index + 1}] + 0`).join(', ')}
local ${kept.join(', ')} = ${kept.map(() => '0').join(', ')}
local value, passed = '', 0
local live = call('PTTL', key)
if live > 0 then
  value = call('GET', key)
  ${kept.join(', ')} = struct.unpack('${format}', value)
  passed = saved - live
  if passed < 0 then
    passed = 0
    live = saved
    call('PEXPIRE', key, saved)
  end${hasWindow ? '\n  now = now + passed' : ''}
end
${laws.map(law => law.look).join('')}
local left, law = left0, 0${least.join('')}
if left < cost then
  local longest, answer = -1, nil
${refusals.join('')}
  return answer
end
local grant = cost
if most > cost then grant = math.min(most, math.max(cost, math.floor(left / 2))) end
${mode === 'take' ? write : ''}
left = left - grant
return ((left - left % 1) * ${maxGrant + 1} + grant) * ${maxLaws} + law
`;
}

function lawTexts(shape: ScriptShape): readonly LawText[] {
  // The entries of the windows follow the head, in the order of the windows.
  const lawBytes = [...shape].reduce((bytes, letter) => bytes + (letter === 'b' ? 9 : 8), 0);
  let start = String(12 + lawBytes + 1);
  return [...shape].map((letter, n) => {
    if (letter === 'b') return bucketText(n);
    const text = windowText(n, start);
    start = `stop${n}`;
    return text;
  });
}
