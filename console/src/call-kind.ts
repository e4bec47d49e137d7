import { formatAge } from './format.ts';
import { type CallRecord, type StageDecision, type StageName, type StageRecord, stageOrder } from './wire.ts';

/** What no other call of the same process has. */
export function callId({ dependency, sequence }: CallRecord): string {
  return `${dependency} ${sequence}`;
}

/** How a call ended, as one word for people: the result and the freshness of the value joined. */
export type CallKind = 'ok' | 'stale' | 'fallback' | 'refused' | 'failed';

export const callKinds: readonly CallKind[] = ['ok', 'stale', 'fallback', 'refused', 'failed'];

export function kindOf(record: CallRecord): CallKind {
  if (record.result === 'rejected') return 'refused';
  if (record.result === 'failed') return 'failed';
  return record.freshness === 'stale' || record.freshness === 'fallback' ? record.freshness : 'ok';
}

/** How a decision looks: good, notable, a refusal of ours, a failure of theirs, or nothing special. */
export type Tone = 'ok' | 'plain' | 'stale' | 'fallback' | 'refused' | 'failed';

const tones: Readonly<Record<StageDecision, Tone>> = {
  hit: 'ok',
  ok: 'ok',
  miss: 'plain',
  joined: 'ok',
  retried: 'stale',
  hedged: 'stale',
  waited: 'plain',
  'would-reject': 'plain',
  injected: 'plain',
  stale: 'stale',
  substituted: 'fallback',
  rejected: 'refused',
  failed: 'failed',
  'gave-up': 'failed',
  'timed-out': 'failed',
};

/** Decisions whose own name is too long for a cell. */
const shortWords: Readonly<Partial<Record<StageDecision, string>>> = {
  substituted: 'subst.',
  rejected: 'refused',
  'gave-up': 'gave up',
  'timed-out': 'timeout',
  'would-reject': 'would',
};

/** The name of a stage as it fits over a cell. */
export function stageTitle(name: StageName): string {
  if (name === 'attemptTimeout') return 'attempt';
  return name === 'concurrency' ? 'slot' : name;
}

/** What each stage does, for tooltips. */
export const stageDuties: Readonly<Record<StageName, string>> = {
  deadline: 'Limits the time of the whole call, retries and waits included',
  fallback: 'Gives a substitute value when everything inside it did not succeed',
  cache: 'Answers from memory, joins equal calls under way, keeps old values for bad times',
  retry: 'Asks again when a failure may pass',
  hedge: 'Asks a second time beside a first attempt that takes long',
  concurrency: 'Bounds how many attempts are under way at once',
  breaker: 'Refuses calls while the dependency keeps failing',
  rate: 'Waits until the limit that was agreed lets the attempt through',
  attemptTimeout: 'Limits the time of one attempt',
  fault: 'Disturbs attempts on purpose, in drills',
  transport: 'Really asks the dependency',
};

/** A column of the table of calls: one stage, or two that stand in the same place. */
export interface StageColumn {
  readonly title: string;
  readonly duty: string;
  readonly stages: readonly StageName[];
}

/** The columns from outside to inside. A call is retried or hedged, and a fault stands in for the transport. */
export const stageColumns: readonly StageColumn[] = [
  ['deadline'],
  ['fallback'],
  ['cache'],
  ['retry', 'hedge'],
  ['concurrency'],
  ['breaker'],
  ['rate'],
  ['attemptTimeout'],
  ['transport', 'fault'],
].map(stages => {
  const names = stages as readonly StageName[];
  return {
    title: stageTitle(names[0] as StageName),
    duty: names.map(name => stageDuties[name]).join('\n'),
    stages: names,
  };
});

export interface StageSummary {
  /** The last thing the stage decided. */
  readonly decision: StageDecision;
  readonly word: string;
  readonly tone: Tone;
  /** How many times the stage decided so in this call. */
  readonly times: number;
  readonly reason: string | undefined;
}

/** What one of these stages did last in a call, or `undefined` when none left a record. */
export function summarizeStage(stages: readonly StageRecord[], names: readonly StageName[]): StageSummary | undefined {
  const own = stages.filter(({ stage }) => names.includes(stage));
  const last = own.at(-1);
  if (!last) return undefined;
  const { decision, reason } = last;
  const times = own.filter(record => record.decision === decision).length;
  return { decision, ...describeDecision(decision), times, reason };
}

/**
 * The innermost stage that left a record, as a position in the order of the stages; -1 when none did. Stages wrap each
 * other, so the call passed every stage before it, also those that had nothing to note, and reached none behind it.
 */
export function deepestStage(stages: readonly StageRecord[]): number {
  return Math.max(-1, ...stages.map(({ stage }) => stageOrder.indexOf(stage)));
}

/** The word and the tone of a decision. One that this page does not know is shown as it came. */
export function describeDecision(decision: StageDecision): { readonly word: string; readonly tone: Tone } {
  return { word: shortWords[decision] ?? decision, tone: tones[decision] ?? 'plain' };
}

/** How old the value of a call is, in words. A substitute is as old as whoever gave it says, if at all. */
export function ageOf({ freshness, ageMs }: CallRecord): string {
  if (freshness === 'fallback' && !ageMs) return 'substitute';
  return ageMs === undefined ? 'age unknown' : formatAge(ageMs);
}
