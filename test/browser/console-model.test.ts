import fc from 'fast-check';
import { RejectedError, type RejectionReason } from 'plinth/errors';
import type { CallRecord as PipelineRecord } from 'plinth/pipeline';
import { stageOrder } from 'plinth/pipeline';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { keyInWords } from '../../console/src/call-key.ts';
import { deepestStage, kindOf, summarizeStage } from '../../console/src/call-kind.ts';
import { CallRate } from '../../console/src/call-rate.ts';
import { describeFact, groupFacts } from '../../console/src/evidence-groups.ts';
import type { MedicationEvidence } from '../../console/src/evidence-wire.ts';
import { formatAge, formatCounted, formatDuration, formatSpan } from '../../console/src/format.ts';
import type { ImportResult, ImportState } from '../../console/src/import-wire.ts';
import type { PropertyViolations } from '../../console/src/property-wire.ts';
import { evidenceQuestion, propertyQuestion } from '../../console/src/questions.ts';
import { RecentCalls } from '../../console/src/recent-calls.ts';
import { RequestCosts } from '../../console/src/request-costs.ts';
import { missingSources, outcomeOf } from '../../console/src/source-outcome.ts';
import { viewOfFragment } from '../../console/src/try-view.ts';
import { violationLines } from '../../console/src/violation-lines.ts';
import { type CallRecord, stageOrder as stageOrderOfConsole } from '../../console/src/wire.ts';
import type { medicationEvidence } from '../../service/evidence/evidence-schemas.ts';
import type { importResult, importState } from '../../service/imports/import-schemas.ts';
import type { propertyViolations } from '../../service/properties/property-schemas.ts';
import { sampleEvidence, sampleProperty } from './sample-answers.ts';
import { type SampleKind, sampleCalls } from './sample-calls.ts';

/** Compiles only while the console understands every record that a pipeline makes. */
const asReceived: (record: PipelineRecord) => CallRecord = record => record;

function record(sequence: number, change: Partial<CallRecord> = {}, kind: SampleKind = 'fetched'): CallRecord {
  return asReceived({ ...sampleCalls[kind]('osimertinib'), sequence, startedAt: 1_000 * sequence, ...change });
}

function sequences(calls: RecentCalls): readonly number[] {
  return calls.list.map(({ sequence }) => sequence);
}

describe('what the console knows of a call', () => {
  it('has the same stages in the same order as the pipeline', () => {
    expect(stageOrderOfConsole).toEqual(stageOrder);
  });

  it('tells five kinds of end apart', () => {
    const kinds = (['fetched', 'stale', 'substituted', 'refused', 'timedOut'] as const).map(kind =>
      kindOf(record(1, {}, kind)),
    );
    expect(kinds).toEqual(['ok', 'stale', 'fallback', 'refused', 'failed']);
  });

  it('sums up a stage by its last decision and how often it decided so', () => {
    const { stages } = record(1, {}, 'stale');
    expect(summarizeStage(stages, ['transport', 'fault'])).toMatchObject({
      decision: 'failed',
      times: 3,
      tone: 'failed',
    });
    expect(summarizeStage(stages, ['cache'])).toMatchObject({ decision: 'stale', times: 1 });
    expect(summarizeStage(stages, ['deadline'])).toBeUndefined();
  });

  it('knows how far a call went', () => {
    expect(deepestStage(record(1, {}, 'hit').stages)).toBe(stageOrder.indexOf('cache'));
    expect(deepestStage(record(1, {}, 'fetched').stages)).toBe(stageOrder.indexOf('transport'));
    expect(deepestStage([])).toBe(-1);
  });
});

describe('RecentCalls', () => {
  it('holds each of the newest calls once, newest first, in whatever order they come', () => {
    const batches = fc.array(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 15 }), { maxLength: 12 });
    fc.assert(
      fc.property(batches, numbers => {
        const calls = new RecentCalls(10);
        for (const batch of numbers) calls.add(batch.map(number => record(number)));
        const newest = [...new Set(numbers.flat())].sort((left, right) => right - left).slice(0, 10);
        // A call older than everything that was ever dropped may not come back, a newer one may not be lost.
        expect(sequences(calls)).toEqual(newest);
      }),
    );
  });

  it('tells calls of two dependencies apart, although each may count for itself', () => {
    const calls = new RecentCalls(10);
    expect(calls.add([record(1), record(1, { dependency: 'orange-book' }), record(1)])).toBe(2);
    expect(calls.list.map(({ dependency }) => dependency).sort()).toEqual(['openfda', 'orange-book']);
  });

  it('keeps a pinned call until it is let go, and stays within its limit', () => {
    const calls = new RecentCalls(3);
    calls.add([record(1)]);
    calls.pin(record(1), true);
    calls.add([record(2), record(3), record(4), record(5)]);
    expect(sequences(calls)).toEqual([5, 4, 1]);
    calls.pin(record(1), false);
    calls.add([record(6)]);
    expect(sequences(calls)).toEqual([6, 5, 4]);
  });
});

describe('RequestCosts', () => {
  it('counts the real attempts of the calls made for the requests asked about, each call once', () => {
    const costs = new RequestCosts(10);
    const fetched = record(1, { requestId: 'a' });
    costs.add(fetched);
    costs.add(fetched);
    costs.add(record(2, { requestId: 'b' }, 'joined'));
    costs.add(record(3, { requestId: 'c' }, 'hit'));
    costs.add(record(4, { requestId: 'other' }, 'retried'));
    expect(costs.costOf(['a', 'b', 'c', 'not seen'])).toEqual({
      requestsSeen: 3,
      guardedCalls: 3,
      upstreamCalls: 1,
      joined: 1,
      hits: 1,
    });
  });

  it('knows of a request that it set off nothing, once the service has said so', () => {
    const costs = new RequestCosts(10);
    expect([costs.knows('a'), costs.costOf(['a']).requestsSeen]).toEqual([false, 0]);
    costs.learn('a', []);
    expect(costs.knows('a')).toBe(true);
    expect(costs.costOf(['a'])).toMatchObject({ requestsSeen: 1, guardedCalls: 0, upstreamCalls: 0 });
    const fetched = record(1, { requestId: 'b' });
    costs.add(fetched);
    costs.learn('b', [fetched]);
    expect(costs.costOf(['b'])).toMatchObject({ requestsSeen: 1, guardedCalls: 1 });
  });

  it('forgets the oldest requests beyond its limit', () => {
    const costs = new RequestCosts(2);
    for (const [index, requestId] of ['a', 'b', 'c'].entries()) costs.add(record(index + 1, { requestId }));
    expect(costs.costOf(['a']).requestsSeen).toBe(0);
    expect(costs.costOf(['b', 'c']).requestsSeen).toBe(2);
  });
});

describe('CallRate', () => {
  it('shows full seconds only, quiet ones as zero, and unknown ones as unknown', () => {
    const rate = new CallRate(5, 10_000);
    rate.advance(10_900, true);
    rate.count();
    rate.advance(11_000, true);
    rate.count();
    rate.count();
    expect(rate.history()).toEqual([undefined, undefined, undefined, undefined, undefined]);
    rate.advance(13_500, true);
    expect(rate.history()).toEqual([undefined, undefined, undefined, 2, 0]);
    rate.advance(14_200, false);
    rate.advance(15_200, true);
    expect(rate.history()).toEqual([undefined, 2, 0, 0, undefined]);
  });

  it('always has the same length, however the clock jumps', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 1e9 }), fc.boolean())), jumps => {
        const rate = new CallRate(60, 500_000_000);
        for (const [nowMs, connected] of jumps) rate.advance(nowMs, connected);
        expect(rate.history()).toHaveLength(60);
      }),
    );
  });
});

describe('the words of the console', () => {
  it('writes durations and ages as people read them', () => {
    expect([0, 0.84, 9.96, 182.4, 999.7, 1_240, 59_999, 125_000].map(formatDuration)).toEqual([
      '0.0 ms',
      '0.8 ms',
      '10 ms',
      '182 ms',
      '1.00 s',
      '1.24 s',
      '59 s',
      '2 min 5 s',
    ]);
    expect([0, 340, 12_400, 684_000].map(formatAge)).toEqual([
      'just fetched',
      '340 ms old',
      '12 s old',
      '11 min 24 s old',
    ]);
    expect([3_600_000, 8_040_000, 273_600_000].map(formatSpan)).toEqual(['1 h', '2 h 14 min', '3 d 4 h']);
    expect([formatCounted(1, 'call'), formatCounted(1_200, 'call')]).toEqual(['1 call', '1,200 calls']);
  });
});

describe('what the console knows of the answers', () => {
  it('is what the service says; the compiler tells', () => {
    expectTypeOf<z.output<typeof medicationEvidence>>().toExtend<MedicationEvidence>();
    expectTypeOf<z.output<typeof propertyViolations>>().toExtend<PropertyViolations>();
    expectTypeOf<z.output<typeof importState>>().toExtend<ImportState>();
    expectTypeOf<z.output<typeof importResult>>().toExtend<ImportResult>();
  });
});

describe('how a source ended', () => {
  const reasons = {
    open: true,
    full: true,
    limited: true,
    'over-budget': true,
    'out-of-time': true,
    unavailable: true,
    forbidden: true,
    closed: true,
  } satisfies Record<RejectionReason, true>;

  it.each(Object.keys(reasons) as RejectionReason[])('is "refused" when we refused: %s', reason => {
    expect(outcomeOf({ status: 'failed', errorCode: new RejectedError('No', reason).code })).toBe('refused');
  });

  it('is what the service says otherwise', () => {
    expect(outcomeOf({ status: 'failed', errorCode: 'UPSTREAM_ERROR' })).toBe('failed');
    expect(outcomeOf({ status: 'failed' })).toBe('failed');
    expect(outcomeOf({ status: 'empty' })).toBe('empty');
  });

  it('says which are missing of how many, and nothing when none is', () => {
    const empty = { source: 'orange-book', status: 'empty' } as const;
    const failed = { source: 'drugsfda', status: 'failed' } as const;
    expect(missingSources([empty, failed])).toBe('from 1 of 2 sources; drugsfda failed');
    expect(missingSources([empty, { ...failed, errorCode: 'CIRCUIT_OPEN' }])).toBe(
      'from 1 of 2 sources; drugsfda refused',
    );
    expect(missingSources([empty])).toBe('');
  });
});

describe('evidence in words', () => {
  const groups = groupFacts(sampleEvidence.facts);
  const line = (kind: string) => {
    const fact = groups.find(group => group.kind === kind)?.facts[0];
    if (!fact) throw new Error(`no fact of the kind ${kind}`);
    return describeFact(fact);
  };

  it('groups facts by kind, always in the same order, and loses none', () => {
    const kinds = ['approval', 'label', 'trial', 'guideline', 'recommendation', 'biomarker'];
    expect(groups.map(({ kind }) => kind)).toEqual(kinds);
    expect(groups.flatMap(({ facts }) => facts)).toHaveLength(sampleEvidence.facts.length);
    expect(groupFacts([])).toEqual([]);
  });

  it('shows a fact of a kind that it does not know by its reference, behind the others', () => {
    const { provenance } = line('trial');
    const unknown = { kind: 'rumour', provenance } as unknown as (typeof sampleEvidence.facts)[number];
    expect(groupFacts([unknown, ...sampleEvidence.facts]).at(-1)).toMatchObject({ kind: 'rumour', title: 'rumour' });
    expect(describeFact(unknown)).toMatchObject({ title: 'NCT00000001', details: [] });
  });

  it('says what is known of a fact and leaves out what is not', () => {
    expect(line('approval')).toMatchObject({
      title: 'TAGRISSO',
      details: ['approved 2015-11-13', 'ASTRAZENECA', '26 patents', '1 exclusivity', 'orphan drug'],
    });
    expect(line('trial').details).toEqual([
      'active not recruiting',
      'phase 2, phase 3',
      'since 2020-01',
      '1,200 participants',
      'Example Institute',
      'Lung Cancer',
    ]);
    expect(line('biomarker')).toMatchObject({ title: 'EGFR C797S', mark: { tone: 'refused', text: 'resists' } });
    expect(line('label').texts.map(({ name }) => name)).toEqual(['Indications']);
  });
});

describe('the violations of a lot', () => {
  const lines = violationLines(sampleProperty);

  it('stand in one list, the newest first, those without a date last', () => {
    expect(lines).toHaveLength(13);
    const days = lines.map(({ issueDate }) => issueDate ?? '');
    expect(days).toEqual([...days].sort().reverse());
    expect(lines[0]).toMatchObject({ dataset: 'ecb', text: 'CLASS - 1 · $1,500 due' });
    expect(lines.at(-1)).toMatchObject({ issueDate: null, isActive: null });
  });

  it('say in both directions which entries are the same one', () => {
    expect(lines.filter(({ sameAs }) => sameAs.length > 0).map(({ id, sameAs }) => [id, sameAs])).toEqual([
      ['ecb e1', ['Buildings (BIS) V010110LBLVIO']],
      ['dob d10', ['ECB 35261401K']],
    ]);
  });
});

describe('addresses', () => {
  it('ask for what was typed, whatever it is', () => {
    expect(evidenceQuestion('a/b c', 'nsclc', '').path).toBe('/api/v1/medications/a%2Fb%20c/evidence?condition=nsclc');
    expect(evidenceQuestion('a', '', '').path).toBe('/api/v1/medications/a/evidence');
    expect(propertyQuestion('1/720/55', true).path).toBe(
      '/api/v1/properties/1%2F720%2F55/violations?activeOnly=true&limit=50',
    );
  });

  it('keep the view in the fragment', () => {
    expect(['#evidence', '#import', '#calls', ''].map(viewOfFragment)).toEqual([
      'evidence',
      'import',
      undefined,
      undefined,
    ]);
  });

  it('are short where they are the key of a call', () => {
    const search = 'http://127.0.0.1:1/drug/drugsfda.json?search=brand_name%3A%22no%20such%20drug%22&limit=100';
    expect(keyInWords(`GET ${search} json 404`)).toBe('no such drug');
    const rows = 'http://127.0.0.1:1/resource/3h2n-5cm9.json?%24where=';
    const lot = 'boro+%3D+%271%27+AND+block+%3D+%2700720%27+AND+lot+in+%28%2700055%27%2C%270055%27%29';
    expect(keyInWords(`GET ${rows}${lot}&%24order=%3Aid&%24limit=1000 json`)).toBe('boro 1 block 00720 lot 00055 0055');
    expect(keyInWords(`GET ${rows}bbl+%3D+1007200055&%24order=%3Aid json`)).toBe('bbl 1007200055');
    expect(keyInWords('GET https://a.org/resource/x.json?lot=55 json')).toBe('/resource/x.json?lot=55');
    expect(keyInWords('GET https://a.org/%E0%A4%A')).toBe('/%E0%A4%A');
    expect(keyInWords('oncokb 5f27 /utils/drugs {}')).toBe('oncokb 5f27 /utils/drugs {}');
  });
});
