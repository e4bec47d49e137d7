import { describe, expect, it } from 'vitest';
import { useService } from './start-service.fixture.ts';

const tested = useService();

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly location: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${tested.service.url}/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    location: response.headers.get('location'),
    body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
  };
}

async function add(email: string, more: object = {}): Promise<string> {
  const { status, body } = await ask('POST', '/users', { email, name: email, ...more });
  expect(status).toBe(201);
  return String(body['id']);
}

const emailsOf = (body: Answer['body']): readonly unknown[] =>
  (body['items'] as readonly { readonly email: unknown }[]).map(({ email }) => email);

describe('a user over HTTP', () => {
  it('is stored with the address in lower case, and found where the answer says', async () => {
    const made = await ask('POST', '/users', { email: 'Ada@Example.COM', name: ' Ada ', roles: ['admin'] });
    expect(made).toMatchObject({
      status: 201,
      etag: '"1"',
      body: { email: 'ada@example.com', name: 'Ada', roles: ['admin'], isActive: true, version: 1 },
    });
    const found = await fetch(new URL(made.location ?? '', tested.service.url));
    expect(await found.json()).toEqual(made.body);
  });

  it('is found where the answer says also when the request had a query', async () => {
    const keyed = { 'idempotency-key': 'with-a-query' };
    for (const [name, headers] of [
      ['traced', {}],
      ['keyed', keyed],
      ['keyed', keyed],
    ] as const) {
      const made = await ask('POST', '/users?trace=1', { email: `${name}@example.com`, name }, headers);
      expect(made).toMatchObject({ status: 201, location: `/api/v1/users/${made.body['id']}` });
    }
  });

  it('is refused twice, whatever the case of the address, and the answer names the field', async () => {
    await add('twice@example.com');
    const again = await ask('POST', '/users', { email: 'TWICE@example.com', name: 'x' });
    expect(again).toMatchObject({ status: 409, body: { error_code: 'DUPLICATE' } });
    expect(JSON.stringify(again.body)).toContain('email');
    expect(JSON.stringify(again.body)).not.toContain('twice@example.com');
  });

  it.each([
    ['no address', { name: 'x' }, 'email'],
    ['a wrong address', { email: 'x', name: 'x' }, 'email'],
    ['a field that the service fills', { email: 'a@b.example', name: 'x', version: 7 }, 'version'],
    ['a wrong role', { email: 'a@b.example', name: 'x', roles: ['Admin!'] }, 'roles'],
  ])('is refused with %s', async (_, body, field) => {
    const { status, body: answer } = await ask('POST', '/users', body);
    expect(status).toBe(422);
    expect(JSON.stringify(answer['details'])).toContain(field);
  });

  it('changes in part, and only what was given changes', async () => {
    const id = await add('part@example.com', { roles: ['editor'], isActive: false });
    const changed = await ask('PATCH', `/users/${id}`, { name: 'Part' });
    expect(changed).toMatchObject({
      status: 200,
      body: { name: 'Part', roles: ['editor'], isActive: false, version: 2 },
    });
    expect((await ask('PATCH', `/users/${id}`, {})).status).toBe(422);
    expect((await ask('PATCH', `/users/${id}`, { id: 'x' })).status).toBe(422);
    expect((await ask('PATCH', `/users/${id}`, { email: 'PART@Example.com' })).body['email']).toBe('part@example.com');
  });

  it('is changed only by one who saw its last version, when If-Match says so', async () => {
    const id = await add('match@example.com');
    const first = await ask('PATCH', `/users/${id}`, { name: 'A' }, { 'if-match': '"1"' });
    expect(first).toMatchObject({ status: 200, etag: '"2"' });
    const late = await ask('PATCH', `/users/${id}`, { name: 'B' }, { 'if-match': '"1"' });
    expect(late).toMatchObject({ status: 412, body: { error_code: 'VERSION_CONFLICT' } });
    expect((await ask('DELETE', `/users/${id}`, undefined, { 'if-match': '"1"' })).status).toBe(412);
    for (const others of ['W/"2"', 'W/"2", "3"', '"1", "3"', '"x"', '"999999999999999"', '"99999999999999999999"'])
      expect([others, (await ask('PATCH', `/users/${id}`, { name: 'C' }, { 'if-match': others })).status]).toEqual([
        others,
        412,
      ]);
    for (const wrong of ['2', '', '"2', '"2" "3"', '"2",'])
      expect([wrong, (await ask('PATCH', `/users/${id}`, { name: 'C' }, { 'if-match': wrong })).status]).toEqual([
        wrong,
        422,
      ]);
    expect((await ask('PATCH', `/users/${id}`, { name: 'C' }, { 'if-match': '*' })).etag).toBe('"3"');
    expect((await ask('PATCH', `/users/${id}`, { name: 'C' }, { 'if-match': '"7", W/"2","3"' })).etag).toBe('"4"');
    expect((await ask('GET', `/users/${id}`)).body['name']).toBe('C');
    expect((await ask('DELETE', `/users/${id}`, undefined, { 'if-match': '"4"' })).status).toBe(204);
    expect((await ask('DELETE', `/users/${id}`, undefined, { 'if-match': '"4", "5"' })).status).toBe(404);
  });

  it.each([
    ['W/"1"', 'A weak tag never matches', []],
    ['"7", W/"1"', 'A weak tag never matches', [7]],
    ['"abc"', 'is no version and never matches', []],
    ['"-1"', 'is no version and never matches', []],
    ['"0"', 'is no version and never matches', []],
    ['"3", "4"', 'User has none of the versions', [3, 4]],
  ])('says why it is not changed with the tags %s', async (tags, words, versions) => {
    const id = await add(`tags-${crypto.randomUUID()}@example.com`);
    const { status, body } = await ask('PATCH', `/users/${id}`, { name: 'A' }, { 'if-match': tags });
    expect([status, body]).toEqual([
      412,
      expect.objectContaining({ error: expect.stringContaining(words), error_code: 'VERSION_CONFLICT' }),
    ]);
    expect(body['details']).toMatchObject({ resource_type: 'User', resource_id: id, expected_versions: versions });
    expect(body['details']).not.toHaveProperty('expected_version');
    expect((await ask('PATCH', `/users/${id}`, { name: 'A' }, { 'if-match': `${tags}, "1"` })).etag).toBe('"2"');
  });

  it('is refused a change of nothing, in words for the body', async () => {
    const id = await add('nothing@example.com');
    expect(await ask('PATCH', `/users/${id}`, {})).toMatchObject({
      status: 422,
      body: { details: { field_errors: { body: expect.stringContaining('Nothing is to be changed') } } },
    });
  });

  it('is changed once by many at the same time who saw the same version', async () => {
    const id = await add('race@example.com');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        ask('PATCH', `/users/${id}`, { name: `n${index}` }, { 'if-match': '"1"' }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(19);
  });

  it('is gone when deleted; unknown ones are not found, and what can be no key is refused', async () => {
    const id = await add('gone@example.com');
    expect((await ask('DELETE', `/users/${id}`)).status).toBe(204);
    for (const method of ['GET', 'DELETE']) expect((await ask(method, `/users/${id}`)).status).toBe(404);
    expect((await ask('PATCH', `/users/${id}`, { name: 'x' })).status).toBe(404);
    expect((await ask('GET', `/users/1'or'1'='1`)).status).toBe(422);
  });

  it('cannot be deleted while campaigns are there', async () => {
    const id = await add('kept@example.com');
    expect((await ask('POST', `/users/${id}/campaigns`, { name: 'Shoes' })).status).toBe(201);
    expect(await ask('DELETE', `/users/${id}`)).toMatchObject({
      status: 409,
      body: { error_code: 'STILL_REFERENCED', details: { referenced_by: 'campaigns' } },
    });
  });
});

describe('the list of users', () => {
  it('says what may be asked to who asks something else', async () => {
    const { body } = await ask('GET', '/users?limit=5&filter[email][regex]=x');
    const { limit, 'filter[email][regex]': filter } = (body as { details: { field_errors: Record<string, string> } })
      .details.field_errors;
    expect(limit).toContain('expected page, size, cursor, sort, total, search, filter[id][…], filter[email][…]');
    expect(filter).toContain('filter[email][contains], filter[email][startsWith]');
  });

  it('is filtered, sorted, searched and counted', async () => {
    await add('list-c@list.example', { name: 'C' });
    await add('list-a@list.example', { name: 'A', isActive: false });
    await add('list-b@list.example', { name: 'B' });
    const query = 'filter[email][contains]=@list.example';
    const sorted = await ask('GET', `/users?${query}&sort=-name&total=true&size=2`);
    expect(sorted.body).toMatchObject({ total: 3, page: 1, size: 2, hasMore: true });
    expect(emailsOf(sorted.body)).toEqual(['list-c@list.example', 'list-b@list.example']);
    const second = await ask('GET', `/users?${query}&sort=-name&size=2&page=2`);
    expect(emailsOf(second.body)).toEqual(['list-a@list.example']);
    expect(emailsOf((await ask('GET', `/users?${query}&filter[isActive][eq]=false`)).body)).toHaveLength(1);
    expect(emailsOf((await ask('GET', '/users?search=LIST-B')).body)).toEqual(['list-b@list.example']);
    expect(emailsOf((await ask('GET', `/users?${query}&filter[name][in]=A,B&sort=name`)).body)).toHaveLength(2);
    expect(
      (await ask('GET', `/users?${query}&filter[createdAt][gte]=2100-01-01T00:00:00Z&total=true`)).body,
    ).toMatchObject({
      items: [],
      total: 0,
    });
  });

  it('is followed by cursors while others are added', async () => {
    for (let index = 0; index < 7; index += 1) await add(`walk-${index}@walk.example`);
    const seen: unknown[] = [];
    let cursor = '';
    for (;;) {
      const path = `/users?filter[email][startsWith]=walk-&sort=email&size=3${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const { body } = await ask('GET', path);
      seen.push(...emailsOf(body));
      if (body['nextCursor'] === undefined) break;
      cursor = String(body['nextCursor']);
      await add(`walk-0${seen.length}@walk.example`);
    }
    expect(seen).toEqual(Array.from({ length: 7 }, (_, index) => `walk-${index}@walk.example`));
  });

  it.each([
    'filter[roles][eq]=admin',
    'filter[name][regex]=x',
    'sort=roles',
    'sort=name;drop table users',
    'cursor=x',
    'size=1000',
    'page=2&cursor=WzFd',
    'unknown=1',
  ])('refuses ?%s and says what is wrong', async query => {
    const { status, body } = await ask('GET', `/users?${query}`);
    expect(status).toBe(422);
    expect(body).toMatchObject({ error_code: 'VALIDATION_ERROR', details: { field_errors: expect.any(Object) } });
  });
});
