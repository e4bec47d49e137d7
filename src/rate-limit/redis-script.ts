/** What a script does for its laws: one letter per law, in the order of the limit. `b` a bucket, `w` a window. */
export type ScriptShape = string;

/** Whether the script takes, or only looks. */
export type ScriptMode = 'take' | 'peek';

/** The most laws that one decision can be about: their number goes into three bits of the answer. */
export const maxLaws = 8;

/** The most permits that one trip can take: their number goes into 16 bits of the answer. */
export const maxGrant = 65_535;

/** The first record of a window, which stands for all that is past, and the format and size of each. */
const noRecord = String.raw`\0`.repeat(16);
const recordFormat = '<I5I5I5I1';
const recordBytes = 16;

/** Of a record the total and of the next one the time: what a look at the oldest ones needs. */
const edgeFormat = '<I5I1I5';

/** Totals of a window are counted modulo this. */
const totals = 2 ** 40;

/** So many records of a window may be past before they are removed. */
const maxPast = 32;

/** Fractions of a permit are sums of rates: less than this is the rounding of their arithmetic. */
const rounding = '1e-9';

interface LawText {
  /** Brings what is kept to this moment; sets `left<n>`, the permits that are left. */
  readonly look: string;
  /** Sets `wait` and `whole` of a law that has too little left. */
  readonly refuse: string;
  /** Books `grant`. */
  readonly book: string;
}

/** Names of the numbers that a law is told by, see `LimitPlan.numbers`. */
export function numberNames(letter: string, n: number): readonly string[] {
  return (letter === 'b' ? ['span', 'rate', 'capacity'] : ['span', 'requests', 'window', 'tick']).map(name => name + n);
}

/**
 * A bucket is kept as its backlog in permits, which is how live numbers can change. Time is whole milliseconds, rounded
 * down: an interval that began in the middle of one would seem up to a millisecond longer than it is. So a bucket that is
 * not surely whole counts as lacking no less than what comes back in one millisecond. One that is surely whole (`lifted`)
 * has its full burst while that very millisecond lasts; afterwards it lacks those permits too.
 */
function bucketText(n: number): LawText {
  return {
    look: `
local live${n} = call('PTTL', key${n})
local backlog${n}, lifted${n} = 0, 0
if live${n} > 0 then
  local saved
  saved, backlog${n}, lifted${n} = struct.unpack('<I6dB', call('GET', key${n}))
  local passed = saved - live${n}
  ${clockSetBack(n)}
  if passed > 0 then
    backlog${n} = backlog${n} + (lifted${n} - passed) * rate${n}
    lifted${n} = 0
  end
end
if lifted${n} == 0 then
  if backlog${n} < ${rounding} then backlog${n} = 0 lifted${n} = 1
  elseif backlog${n} < rate${n} then backlog${n} = rate${n} end
end
local left${n} = capacity${n} - backlog${n} + ${rounding}`,
    // Where the cost leaves no room for what comes back in a millisecond, the bucket has to be surely whole.
    refuse: `
local owed, room = backlog${n} + lifted${n} * rate${n}, capacity${n} - cost
if room < rate${n} then room = 0 end
wait = math.ceil((owed - room) / rate${n})
whole = math.ceil(owed / rate${n})`,
    book: `
backlog${n} = backlog${n} + grant
if live${n} > span${n} then
  call('SETRANGE', key${n}, '0', struct.pack('<I6dB', live${n}, backlog${n}, lifted${n}))
else
  live${n} = 2 * span${n}
  call('SET', key${n}, struct.pack('<I6dB', live${n}, backlog${n}, lifted${n}), 'PX', string.format('%d', live${n}))
end`,
  };
}

/**
 * A window is kept as a list of records, oldest first; what was taken within one tick is one record with the time of its
 * last. Each holds: that time, the time that the key had to live then, the total of all that was taken until then, and
 * how many records were past, which alone are not in the window. So an admission adds one record to the end, or writes
 * over the last one, and the sum within the window is the difference of two totals.
 */
function windowText(n: number): LawText {
  const unpackEdge = (at: string): string =>
    `struct.unpack('${edgeFormat}', value${n}, ${at} * ${recordBytes} + ${recordBytes - 5})`;
  return {
    look: `
local live${n}, now${n} = call('PTTL', key${n}), 0
local value${n}, size${n}
local time${n}, total${n}, past${n}, gone${n}, oldest${n} = 0, 0, 0, 0, 0
if live${n} > 0 then
  value${n} = call('GET', key${n})
  size${n} = #value${n}
  local saved, _
  time${n}, saved, total${n}, past${n} = struct.unpack('${recordFormat}', value${n}, size${n} - ${recordBytes - 1})
  local passed = saved - live${n}
  ${clockSetBack(n)}
  now${n} = time${n} + passed
  local edge = now${n} - window${n}
  gone${n}, _, oldest${n} = ${unpackEdge(`past${n}`)}
  while oldest${n} < edge do
    past${n} = past${n} + 1
    if time${n} < edge or (past${n} + 1) * ${recordBytes} == size${n} then
      past${n}, gone${n} = size${n} / ${recordBytes} - 1, total${n}
      break
    end
    gone${n}, _, oldest${n} = ${unpackEdge(`past${n}`)}
  end
end
local left${n} = requests${n} - (total${n} - gone${n}) % ${totals}`,
    refuse: `
local missing, at, leaves, left, _ = cost - left${n}, past${n}, oldest${n}, gone${n}, nil
repeat
  wait = leaves + window${n} + 1 - now${n}
  at = at + 1
  if (at + 1) * ${recordBytes} >= size${n} then break end
  left, _, leaves = ${unpackEdge('at')}
until (left - gone${n}) % ${totals} >= missing
whole = time${n} + window${n} + 1 - now${n}`,
    book: `
total${n} = (total${n} + grant) % ${totals}
if not value${n} then
  live${n} = 2 * span${n}
  call('SET', key${n}, '${noRecord}'..struct.pack('${recordFormat}', 0, live${n}, total${n}, 0), 'PX', string.format('%d', live${n}))
else
  local keep = size${n}
  if time${n} - time${n} % tick${n} == now${n} - now${n} % tick${n} and (past${n} + 1) * ${recordBytes} < keep then keep = keep - ${recordBytes} end
  if live${n} > span${n} and past${n} < ${maxPast} then
    local record = struct.pack('${recordFormat}', now${n}, live${n}, total${n}, past${n})
    if keep == size${n} then call('APPEND', key${n}, record) else call('SETRANGE', key${n}, keep, record) end
  else
    local lasts = live${n} > span${n}
    if not lasts then live${n} = 2 * span${n} end
    local written = string.sub(value${n}, past${n} * ${recordBytes} + 1, keep)..struct.pack('${recordFormat}', now${n}, live${n}, total${n}, 0)
    if lasts then call('SET', key${n}, written, 'KEEPTTL') else call('SET', key${n}, written, 'PX', string.format('%d', live${n})) end
  end
end`,
  };
}

/** A key that has more time to live than it had: the clock was set back, and stands still until it has caught up. */
function clockSetBack(n: number): string {
  return `if passed < 0 then
    passed = 0
    live${n} = saved
    call('PEXPIRE', key${n}, saved)
  end`;
}

/**
 * The script of a shape: one decision over all its laws in one trip, by the server's clock alone. Each law has a key of
 * its own. The clock is what is left of the key's time to live, which is cheaper to ask than the time. A key lives for
 * twice as long as its law looks back (`span`), so that most writes need not set its time to live anew, which is most of
 * what a write costs.
 *
 * The arguments are numbers: cost, most to take, then those of each law. Where those never change they can stand in the
 * text itself (`constants`), which spares the server to read them each time; cost and most may then be left out when both
 * are 1. The answer of an admission is one whole number, see `LimitPlan.read`; of a refusal, a list: which law, what is
 * left of it, when to ask again, when it will be whole. A refusal writes nothing.
 */
export function limitScript(shape: ScriptShape, mode: ScriptMode, constants?: readonly string[]): string {
  const letters = [...shape];
  const laws = letters.map((letter, n) => (letter === 'b' ? bucketText(n) : windowText(n)));
  const names = letters.flatMap(numberNames);
  const values = constants ?? names.map((_, index) => `ARGV[${index + 3}] + 0`);
  const least = laws.slice(1).map((_, n) => `\nif left${n + 1} < left then left = left${n + 1} law = ${n + 1} end`);
  const refusals = laws.map(
    ({ refuse }, n) => `
if left${n} < cost then
  local wait, whole = 0, 0${refuse}
  if wait > longest then longest = wait answer = { ${n}, math.floor(left${n}), wait, whole } end
end`,
  );
  return `local call, struct = redis.call, struct
local ${names.join(', ')} = ${values.join(', ')}
local ${laws.map((_, n) => `key${n}`).join(', ')} = ${laws.map((_, n) => `KEYS[${n + 1}]`).join(', ')}
local cost, most = 1, 1
if ARGV[1] then cost = ARGV[1] + 0 most = ARGV[2] + 0 end
${laws.map(({ look }) => look).join('')}
local left, law = left0, 0${least.join('')}
if left < cost then
  local longest, answer = -1, nil
${refusals.join('')}
  return answer
end
local grant = cost
if most > cost then grant = math.min(most, math.max(cost, math.floor(left / 2))) end
${mode === 'take' ? laws.map(({ book }) => book).join('') : ''}
left = left - grant
return ((left - left % 1) * ${maxGrant + 1} + grant) * ${maxLaws} + law
`;
}
