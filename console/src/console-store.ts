import { type CallKind, kindOf } from './call-kind.ts';
import { CallRate } from './call-rate.ts';
import { EventConnection, type LinkStatus } from './event-connection.ts';
import { formatCounted } from './format.ts';
import { ImportDesk, type ImportView } from './import-desk.ts';
import type { ImportState } from './import-wire.ts';
import { Press } from './press.ts';
import { type Answers, type Ask, callsQuestion, type Question, type QuestionKind } from './questions.ts';
import { RecentCalls } from './recent-calls.ts';
import type { Reply } from './reply.ts';
import { type Cost, RequestCosts } from './request-costs.ts';
import { requestService } from './service-request.ts';
import { type TryView, viewOfFragment } from './try-view.ts';
import type { CallRecord, ConsoleState } from './wire.ts';

export type CallFilter = CallKind | 'all';

/** A state and when it came, because ages and waits in it run on from there. */
export interface ReceivedState extends ConsoleState {
  readonly receivedAt: number;
}

/** What stands in the fields. Each view has its own: above an answer stays what was asked for it. */
export interface Drafts {
  readonly name: string;
  readonly evidence: { readonly name: string; readonly condition: string; readonly stage: string };
  readonly bbl: string;
  readonly activeOnly: boolean;
  /** Names of medications, one a line. */
  readonly names: string;
}

/** The last question of each kind. */
export type Asks = { readonly [Kind in QuestionKind]?: Ask<Answers[Kind]> };

/** Everything that is on the page, at one moment. */
export interface ConsoleView {
  /** The present time, to the second. */
  readonly now: number;
  readonly link: LinkStatus;
  /** The latest state, `undefined` before the first. */
  readonly state: ReceivedState | undefined;
  /** Calls per second, oldest first; `undefined` where nothing is known. */
  readonly rate: readonly (number | undefined)[];
  /** The newest calls, newest first; while paused, those that were there then. */
  readonly calls: readonly CallRecord[];
  readonly filter: CallFilter;
  readonly paused: boolean;
  /** How many calls came since the list was paused. */
  readonly heldBack: number;
  /** Calls that ended while the page was not connected and are too old to be listed. */
  readonly missed: number;
  /** What is being tried. */
  readonly tryView: TryView;
  readonly drafts: Drafts;
  readonly asks: Asks;
  readonly imports: ImportView;
  /** The lists that are shown to their end. */
  readonly wholeLists: ReadonlySet<string>;
  /** What a screen reader says next. */
  readonly announcement: string;
}

const listLimit = 200;
const requestLimit = 2_000;
const rateSeconds = 60;
/** New calls are shown together, not more often than this: nobody reads faster. */
const takeInMs = 100;
/** After a redraw the page is left alone for so many times as long as it took, however many calls come. */
const restFactor = 3;
const longestRestMs = 1_000;

/** Holds what the page knows and draws it, at most once a frame. The parts read `view` and call the methods. */
export class ConsoleStore {
  /** Begins and steers imports. */
  readonly imports: ImportDesk;
  readonly #draw: (store: ConsoleStore) => void;
  readonly #connection: EventConnection;
  readonly #recent = new RecentCalls(listLimit);
  readonly #costs = new RequestCosts(requestLimit);
  readonly #rate = new CallRate(rateSeconds, Date.now());
  readonly #press = new Press();
  #view: ConsoleView;
  #framePlanned = false;
  #arrived: CallRecord[] = [];
  /** How many calls the service had made when it was heard last. */
  #totalKnown = 0;
  #behind = false;
  #arrivedSincePause = 0;
  #takeInPlanned = false;
  #nextTakeInAt = 0;

  constructor(draw: (store: ConsoleStore) => void) {
    this.#draw = draw;
    this.imports = new ImportDesk({
      update: imports => this.update({ imports }),
      onImport: one => this.#receiveImport(one),
      announce: announcement => this.update({ announcement }),
    });
    this.#view = {
      now: Date.now(),
      link: { kind: 'connecting' },
      state: undefined,
      rate: this.#rate.history(),
      calls: [],
      filter: 'all',
      paused: false,
      heldBack: 0,
      missed: 0,
      tryView: viewOfFragment(location.hash) ?? 'products',
      drafts: {
        name: 'osimertinib',
        evidence: { name: 'osimertinib', condition: '', stage: '' },
        bbl: '1007200055',
        activeOnly: false,
        names: '',
      },
      asks: {},
      imports: this.imports.view,
      wholeLists: new Set(),
      announcement: '',
    };
    this.#connection = new EventConnection({
      onState: state => this.#receiveState(state),
      onCall: record => this.#receiveCall(record),
      onLink: link => this.#receiveLink(link),
    });
  }

  get view(): ConsoleView {
    return this.#view;
  }

  /** Whether a question of this kind is still open. */
  isAsking(kind: QuestionKind): boolean {
    const ask = this.#view.asks[kind];
    return ask !== undefined && ask.replies.length < ask.count;
  }

  /** What these requests cost so far. */
  costOf(replies: readonly Reply<unknown>[]): Cost {
    return this.#costs.costOf(replies.flatMap(({ requestId }) => requestId ?? []));
  }

  /** Connects and starts the clock of the page. */
  start(): void {
    this.#draw(this);
    this.#press.listen();
    this.#connection.open();
    addEventListener('hashchange', () => {
      this.update({ tryView: viewOfFragment(location.hash) ?? this.#view.tryView });
    });
    setInterval(() => this.#tick(), 1_000);
  }

  /** Changes what is on the page; it is drawn with the next frame. In a hidden tab no frame comes, and nothing is drawn. */
  update(change: Partial<ConsoleView>): void {
    this.#view = { ...this.#view, ...change };
    if (this.#framePlanned) return;
    this.#framePlanned = true;
    requestAnimationFrame(() => this.#drawFrame());
  }

  #drawFrame(): void {
    if (this.#press.isHeld) {
      requestAnimationFrame(() => this.#drawFrame());
      return;
    }
    const startedAt = performance.now();
    this.#framePlanned = false;
    this.#draw(this);
    // The browser lays out and paints after this callback, and lets timers run when it is done.
    setTimeout(() => {
      const now = performance.now();
      const restMs = Math.min(restFactor * (now - startedAt), longestRestMs);
      this.#nextTakeInAt = Math.max(this.#nextTakeInAt, now + restMs);
    });
  }

  retryNow(): void {
    this.#connection.retryNow();
  }

  togglePause(): void {
    this.#arrivedSincePause = 0;
    this.update({ paused: !this.#view.paused, heldBack: 0, calls: this.#recent.list });
  }

  /** A call whose details are open stays in the list. */
  keep(record: CallRecord, open: boolean): void {
    this.#recent.pin(record, open);
  }

  /** Changes what stands in the fields. */
  draft(change: Partial<Drafts>): void {
    this.update({ drafts: { ...this.#view.drafts, ...change } });
  }

  /** Shows a list to its end, or only its beginning. */
  toggleList(list: string): void {
    const lists = new Set(this.#view.wholeLists);
    if (!lists.delete(list)) lists.add(list);
    this.update({ wholeLists: lists });
  }

  /** Sends so many equal requests in the same moment. Does nothing while an earlier question of this kind is open. */
  async ask<Kind extends QuestionKind>(kind: Kind, question: Question<Answers[Kind]>, count = 1): Promise<void> {
    if (this.isAsking(kind)) return;
    this.#setAsk(kind, { question, count, replies: [] });
    this.update({ wholeLists: new Set([...this.#view.wholeLists].filter(list => !list.startsWith(kind))) });
    const replies = await Promise.all(Array.from({ length: count }, () => this.#askOnce(kind, question)));
    this.update({ announcement: `${formatCounted(count, 'answer')} for ${question.about}` });
    await this.#learnCosts(replies);
  }

  async #askOnce<Kind extends QuestionKind>(
    kind: Kind,
    question: Question<Answers[Kind]>,
  ): Promise<Reply<Answers[Kind]>> {
    const reply = await requestService(question);
    const ask = this.#view.asks[kind];
    if (ask) this.#setAsk(kind, { ...ask, replies: [...ask.replies, reply] });
    return reply;
  }

  /** Calls are told as they end. A request that made none is told of nowhere: the service is asked why it went so. */
  async #learnCosts(replies: readonly Reply<unknown>[]): Promise<void> {
    const requestIds = replies.flatMap(({ requestId }) => requestId ?? []);
    const asking = requestIds
      .filter(requestId => !this.#costs.knows(requestId))
      .map(async requestId => {
        const { answer } = await requestService(callsQuestion(requestId));
        if (answer) this.#costs.learn(requestId, answer.calls);
      });
    await Promise.all(asking);
    this.update({});
  }

  #setAsk<Kind extends QuestionKind>(kind: Kind, ask: Ask<Answers[Kind]>): void {
    this.update({ asks: { ...this.#view.asks, [kind]: ask } });
  }

  #receiveState(state: ConsoleState): void {
    const before = this.#view.state;
    // Sequence numbers start again with the process: what was known belongs to another life of the service.
    if (before && before.service.startedAt !== state.service.startedAt) this.#forget();
    for (const record of state.calls) this.#costs.add(record);
    this.#arrived.push(...state.calls);
    const added = this.#takeIn();
    // The first state after a silence brings what ended meanwhile, as far as the service still has it.
    const ended = this.#behind ? state.totals.calls - this.#totalKnown - added : 0;
    this.#behind = false;
    this.#totalKnown = state.totals.calls;
    this.update({ state: { ...state, receivedAt: Date.now() }, missed: this.#view.missed + Math.max(0, ended) });
    void this.imports.follow(state.imports ?? []);
  }

  /** An answer about one import is newer than the state, which follows. */
  #receiveImport(one: ImportState): void {
    const { state } = this.#view;
    if (!state) return;
    const before = state.imports ?? [];
    const known = before.some(({ id }) => id === one.id);
    const imports = known ? before.map(each => (each.id === one.id ? one : each)) : [one, ...before];
    this.update({ state: { ...state, imports } });
  }

  #receiveCall(record: CallRecord): void {
    this.#rate.advance(Date.now(), this.#view.link.kind === 'live');
    this.#rate.count();
    this.#costs.add(record);
    this.#arrivedSincePause += 1;
    this.#totalKnown += 1;
    this.#arrive(record);
  }

  #receiveLink(link: LinkStatus): void {
    const before = this.#view.link.kind;
    if (before === link.kind && before !== 'lost') return;
    this.update({ link });
    this.#tick();
    if (before === 'lost' && link.kind === 'live') {
      this.update({ announcement: 'Connected again' });
      const asks: readonly Ask<unknown>[] = Object.values(this.#view.asks);
      void this.#learnCosts(asks.flatMap(({ replies }) => replies));
    }
    if (before !== 'lost' && link.kind === 'lost') {
      this.#behind = this.#view.state !== undefined;
      this.update({ announcement: 'Connection to the service lost' });
    }
  }

  #arrive(record: CallRecord): void {
    this.#arrived.push(record);
    // Timers of a hidden tab may wait for a minute: what waits for them stays bounded.
    if (this.#arrived.length > 2 * listLimit) this.#recent.add(this.#arrived.splice(0));
    if (this.#takeInPlanned) return;
    this.#takeInPlanned = true;
    this.#takeInWhenRested();
  }

  /** The wait may grow while it lasts, when the frame before it turns out to be a slow one. */
  #takeInWhenRested(): void {
    const restMs = this.#nextTakeInAt - performance.now();
    if (restMs > 0) {
      setTimeout(() => this.#takeInWhenRested(), restMs);
      return;
    }
    this.#takeInPlanned = false;
    this.#takeIn();
  }

  /** Brings the arrived calls into the view, and says how many of them were new. */
  #takeIn(): number {
    this.#nextTakeInAt = performance.now() + takeInMs;
    const added = this.#recent.add(this.#arrived.splice(0));
    const { paused, calls } = this.#view;
    this.update({
      calls: paused ? calls : this.#recent.list,
      heldBack: paused ? this.#arrivedSincePause : 0,
    });
    return added;
  }

  #tick(): void {
    const now = Date.now();
    this.#rate.advance(now, this.#view.link.kind === 'live');
    this.update({ now, rate: this.#rate.history() });
  }

  #forget(): void {
    this.#recent.clear();
    this.#arrived = [];
    this.#arrivedSincePause = 0;
    this.#totalKnown = 0;
    this.#behind = false;
    const announcement = 'The service was restarted: the list begins anew';
    this.update({ calls: [], heldBack: 0, missed: 0, announcement });
  }
}

/** The calls that the filter lets through. */
export function shownCalls({ calls, filter }: ConsoleView): readonly CallRecord[] {
  return filter === 'all' ? calls : calls.filter(record => kindOf(record) === filter);
}
