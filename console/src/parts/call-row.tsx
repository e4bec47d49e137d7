import { Component, type JSX, type TargetedEvent } from 'preact';
import { keyInWords } from '../call-key.ts';
import {
  ageOf,
  deepestStage,
  kindOf,
  type StageColumn,
  type StageSummary,
  stageColumns,
  summarizeStage,
} from '../call-kind.ts';
import { formatDuration, formatTime } from '../format.ts';
import { type CallRecord, stageOrder } from '../wire.ts';
import { CallDetails } from './call-details.tsx';
import { Chip } from './chip.tsx';

export interface CallRowProps {
  readonly record: CallRecord;
  readonly onToggle: (open: boolean) => void;
}

/** One call in one line. A record never changes, so a row is drawn once and again only when it opens or closes. */
export class CallRow extends Component<CallRowProps, { readonly open: boolean }> {
  override state = { open: false };

  override shouldComponentUpdate(next: CallRowProps, nextState: { readonly open: boolean }): boolean {
    return next.record !== this.props.record || nextState.open !== this.state.open;
  }

  override componentWillUnmount(): void {
    this.props.onToggle(false);
  }

  override render(): JSX.Element {
    const { record, onToggle } = this.props;
    const kind = kindOf(record);
    const deepest = deepestStage(record.stages);
    const toggled = (event: TargetedEvent<HTMLDetailsElement>): void => {
      const { open } = event.currentTarget;
      onToggle(open);
      this.setState({ open });
    };
    return (
      <li class={`call kind-${kind}`}>
        <details onToggle={toggled}>
          <summary>
            <span class="call-when">
              <span class="call-time">{formatTime(record.startedAt + record.durationMs)}</span>{' '}
              <span class="call-duration">{formatDuration(record.durationMs)}</span>
            </span>
            <span class="call-what">
              <Operation record={record} /> <CallKey record={record} />
            </span>
            <span class="call-result">
              <Chip tone={kind} text={kind} /> <span class="call-age">{qualify(record)}</span>
            </span>
            <span class="stages">
              {stageColumns.map(column => (
                <StageCell key={column.title} record={record} column={column} deepest={deepest} />
              ))}
            </span>
          </summary>
          {this.state.open && <CallDetails record={record} />}
        </details>
      </li>
    );
  }
}

/** An operation that begins with the name of its dependency says it once. */
function Operation({ record: { dependency, operation } }: { readonly record: CallRecord }): JSX.Element {
  const prefix = `${dependency}.`;
  const own = operation.startsWith(prefix) ? operation.slice(prefix.length) : operation;
  return (
    <span class="call-operation" title={`${prefix}${own}`}>
      <span class="dependency">{prefix}</span>
      {own}
    </span>
  );
}

const tailLength = 14;

/** A key too long for its place is cut before its end. */
function CallKey({ record: { key = 'no key' } }: { readonly record: CallRecord }): JSX.Element {
  const text = keyInWords(key);
  return (
    <span class="call-key" title={key}>
      <span class="key-head">{text.slice(0, -tailLength)}</span>
      <span class="key-tail">{text.slice(-tailLength)}</span>
    </span>
  );
}

interface StageCellProps {
  readonly record: CallRecord;
  readonly column: StageColumn;
  /** How far the call came, as a position in the order of the stages. */
  readonly deepest: number;
}

function StageCell({ record, column, deepest }: StageCellProps): JSX.Element {
  const { title, duty, stages } = column;
  const summary = summarizeStage(record.stages, stages);
  const reached = Math.min(...stages.map(name => stageOrder.indexOf(name))) < deepest;
  const silence = reached ? 'nothing to note' : 'not reached';
  const happened = summary ? [summary.decision, summary.reason].filter(Boolean).join(', ') : silence;
  return (
    <span class={stageClass(title, reached, summary)} title={`${title}: ${happened}\n${duty}`}>
      <span class="stage-name">{title} </span>
      <span class="stage-word">
        {summary ? summary.word : <span class="visually-hidden">{silence}</span>}
        {summary && summary.times > 1 && !letsThrough(title, summary) && (
          <span class="times">×{summary.times}</span>
        )}{' '}
      </span>
    </span>
  );
}

function stageClass(title: string, reached: boolean, summary: StageSummary | undefined): string {
  if (!summary) return reached ? 'stage passed' : 'stage beyond';
  return `stage tone-${letsThrough(title, summary) ? 'plain' : summary.tone}`;
}

/** Letting a call through is nothing special: only the stage that gave the value stands out. */
function letsThrough(title: string, { decision }: StageSummary): boolean {
  return decision === 'ok' && title !== 'transport';
}

/** The line under the result: how old the value is, or why there is none. */
function qualify(record: CallRecord): string {
  if (record.result !== 'ok') return record.error?.code ?? 'reason unknown';
  if (record.freshness === undefined) return 'freshness unknown';
  return ageOf(record);
}
