import type { ComponentChildren, JSX } from 'preact';
import { ageOf, callId, describeDecision, stageTitle } from '../call-kind.ts';
import { formatDuration, formatTime } from '../format.ts';
import type { CallRecord, StageRecord } from '../wire.ts';
import { Chip, Unknown } from './chip.tsx';

/** Everything that a call left behind: each decision in its order, with time and reason. */
export function CallDetails({ record }: { readonly record: CallRecord }): JSX.Element {
  const { error } = record;
  return (
    <div class="call-details">
      {error && (
        <p class="call-error">
          <b>{error.name}</b> <code>{error.code}</code> {error.message}
          {record.result === 'ok' && ' — an older value or a substitute stands in.'}
        </p>
      )}
      <ol class="decisions">
        {record.stages.map((stage, index) => (
          <Decision key={index} stage={stage} durationMs={record.durationMs} />
        ))}
      </ol>
      {record.stages.length === 0 && <p class="quiet">No stage left a record in this call.</p>}
      <dl class="facts">
        <Fact name="Attempts">{record.attempts === 0 ? '0, the source was not asked' : String(record.attempts)}</Fact>
        <Fact name="Freshness">{freshnessText(record)}</Fact>
        <Fact name="Began">{formatTime(record.startedAt)}</Fact>
        <Fact name="Key">{record.key ?? 'none'}</Fact>
        <Fact name="Request">{record.requestId ?? 'none'}</Fact>
        <Fact name="Call">{callId(record)}</Fact>
      </dl>
    </div>
  );
}

function Decision({ stage, durationMs }: { readonly stage: StageRecord; readonly durationMs: number }): JSX.Element {
  const { tone } = describeDecision(stage.decision);
  const percent = durationMs > 0 ? Math.min(100, (stage.atMs / durationMs) * 100) : 0;
  return (
    <li>
      <span class="decision-time">+{formatDuration(stage.atMs)}</span>
      <span class="decision-track" aria-hidden="true">
        <i style={{ left: `${percent}%` }} />
      </span>
      <span class="decision-stage">{stageTitle(stage.stage)}</span>
      <Chip tone={tone} text={stage.decision} />
      <span class="decision-reason">{stage.reason}</span>
    </li>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function freshnessText(record: CallRecord): ComponentChildren {
  if (record.result !== 'ok') return 'no value';
  if (record.freshness === undefined) return <Unknown />;
  return `${record.freshness}, ${ageOf(record)}`;
}
