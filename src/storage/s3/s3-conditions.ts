import { UpstreamError } from '../../errors/index.ts';
import { holds } from './entry-writer.ts';
import type { S3Requests } from './s3-requests.ts';

/** The version of an object that is another one than any that was written. */
const other = { entry: undefined, etag: '"00000000000000000000000000000000"' } as const;

/**
 * Whether the server does what conditions of writes say, tried out with an object of its own: If-None-Match and If-Match of
 * PUT, and If-Match of DELETE, each refused where it does not hold and obeyed where it does.
 */
export async function obeysConditions(requests: S3Requests, name: string, signal?: AbortSignal): Promise<boolean> {
  try {
    const created = await requests.writeProbe(name, undefined, signal);
    const wrong = [
      () => requests.writeProbe(name, undefined, signal),
      () => requests.writeProbe(name, other, signal),
      () => requests.deleteProbe(name, other, signal),
    ];
    for (const attempt of wrong) if (await holds(attempt())) return false;
    return await holds(requests.deleteProbe(name, created, signal));
  } catch (error) {
    if (error instanceof UpstreamError && error.status === 501) return false;
    throw error;
  } finally {
    await requests.discardContent(name);
  }
}
