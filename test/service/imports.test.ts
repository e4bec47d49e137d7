import { describe, expect, it } from 'vitest';
import type { ImportResult, ImportState } from '../../service/imports/medication-import.ts';
import { passTime } from '../../service/stand-in/settle.fixture.ts';
import { useService } from './start-service.fixture.ts';

const tested = useService();

async function begin(body: string, type = 'application/json'): Promise<{ status: number; body: ImportState }> {
  return tested.ask('/imports', { method: 'POST', headers: { 'content-type': type }, body });
}

async function until(id: string, is: (state: ImportState) => boolean): Promise<ImportState> {
  for (let tries = 0; tries < 5_000; tries += 1) {
    const { body } = await tested.ask(`/imports/${id}`);
    if (is(body)) return body;
    await passTime(tested.clock, 100);
  }
  return expect.fail(`The import did not get there: ${JSON.stringify((await tested.ask(`/imports/${id}`)).body)}`);
}

const isCompleted = ({ state }: ImportState): boolean => state === 'completed';

async function results(id: string): Promise<readonly ImportResult[]> {
  return (await tested.ask(`/imports/${id}/results`)).body;
}

describe('an import of medications', () => {
  it('asks the sources for every name, and says what came of each, in the order of the names', async () => {
    const { status, body } = await begin(JSON.stringify({ names: ['osimertinib', 'no such drug', 'imatinib'] }));
    expect(status).toBe(202);
    expect(await until(body.id, isCompleted)).toMatchObject({ total: 3, done: 3, failed: 0 });
    expect(await results(body.id)).toMatchObject([
      { name: 'osimertinib', ok: true, value: { firstApproval: { date: '2015-11-13' } } },
      { name: 'no such drug', ok: true, value: { applications: 0, firstApproval: null } },
      { name: 'imatinib', ok: true },
    ]);
  });

  it('takes text with one name a line, as curl sends a file', async () => {
    const { status, body } = await begin('metformin\nsemaglutide\n', 'text/plain');
    expect(status).toBe(202);
    expect(await until(body.id, isCompleted)).toMatchObject({ total: 2, done: 2 });
  });

  it('is begun once, however often the same request is sent under its key', async () => {
    const body = JSON.stringify({ names: ['imatinib'], title: 'under a key' });
    const headers = { 'content-type': 'application/json', 'idempotency-key': '"list-1"' };
    const send = (text: string): ReturnType<typeof tested.ask> =>
      tested.ask('/imports', { method: 'POST', headers, body: text });
    const first = await send(body);
    expect(first.status).toBe(202);
    await until((first.body as ImportState).id, isCompleted);
    expect(await send(body)).toEqual(first);
    expect((await send(JSON.stringify({ names: ['alectinib'] }))).status).toBe(422);
    const { body: all } = await tested.ask('/imports');
    expect((all as readonly ImportState[]).filter(({ title }) => title === 'under a key')).toHaveLength(1);
  });

  it('waits for a source that is away instead of failing all that is left', async () => {
    tested.service.standIn?.behave({ failWith: 503 });
    const names = Array.from({ length: 40 }, (_, index) => `drug number ${index}`);
    const { body } = await begin(JSON.stringify({ names, title: 'in an outage' }));
    const { breaker } = tested.service.infrastructure.dependencies.get('openfda') ?? expect.fail('No such dependency');
    await until(body.id, ({ active }) => active === 5 && breaker.state === 'open');
    const beganAt = tested.clock.now();
    while (tested.clock.now() - beganAt < 120_000) await passTime(tested.clock, 100);
    expect((await tested.ask(`/imports/${body.id}`)).body).toMatchObject({ state: 'running' });
    tested.service.standIn?.behave('normal');
    const { done, failed } = await until(body.id, isCompleted);
    expect(done).toBe(40);
    // Only those that used up their attempts before the circuit opened, or as its probe: all others waited.
    expect(failed).toBeLessThan(15);
  });

  it('is still there when the service starts again', async () => {
    const { body } = await begin(JSON.stringify({ names: ['alectinib', 'crizotinib'], title: 'two' }));
    await until(body.id, isCompleted);
    await tested.service.close();
    await tested.start();
    expect(await until(body.id, isCompleted)).toMatchObject({ title: 'two', done: 2, recorded: 2 });
    const { body: all } = await tested.ask('/imports');
    expect((all as readonly ImportState[]).map(({ title }) => title)).toContain('two');
    expect(await results(body.id)).toHaveLength(2);
  });

  it('says what is wrong with a list, and that there is no such import', async () => {
    const { status, body } = await begin('{"names":[]}');
    expect(status).toBe(422);
    expect(body).toMatchObject({ success: false });
    const many = JSON.stringify({ names: Array(10_001).fill('a') });
    for (const [text, type] of [
      [many, 'application/json'],
      ['a\n'.repeat(10_001), 'text/plain'],
    ] as const)
      expect(await begin(text, type)).toMatchObject({
        status: 422,
        body: { details: { field_errors: { names: expect.stringContaining('10000') } } },
      });
    expect((await tested.ask('/imports/none')).status).toBe(404);
    expect((await tested.ask('/imports/none/stop', { method: 'POST' })).status).toBe(404);
  });
});
