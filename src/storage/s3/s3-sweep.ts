import type {
  _Object,
  ListMultipartUploadsCommandOutput,
  ListObjectsV2CommandOutput,
  MultipartUpload,
} from '@aws-sdk/client-s3';
import type { EntryNames } from './s3-entry.ts';
import type { S3Requests } from './s3-requests.ts';

/** What a sweep has removed. */
export interface SweptUploads {
  /** Uploads by parts that were never ended. */
  readonly uploads: number;
  /** Contents that no file names. */
  readonly contents: number;
}

/** What a sweep looks at. */
export interface SweepTarget {
  readonly bucket: string;
  readonly names: EntryNames;
  /** What this process is writing. */
  readonly inUse: ReadonlySet<string>;
  /** What was begun or written later is left alone, on the server's clock. */
  readonly untilMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Ends uploads that nobody goes on with, and deletes contents that were written and never named. */
export async function sweepBucket(requests: S3Requests, target: SweepTarget): Promise<SweptUploads> {
  let uploads = 0;
  let contents = 0;
  for await (const { Key, UploadId, Initiated } of uploadsIn(requests, target)) {
    if (Key === undefined || UploadId === undefined || !isStale(Initiated, Key, target)) continue;
    await requests.abortUpload(Key, UploadId);
    uploads += 1;
  }
  for await (const { Key, LastModified } of contentsIn(requests, target)) {
    if (Key === undefined || !isStale(LastModified, Key, target)) continue;
    if (await isNamed(requests, target, Key)) continue;
    await requests.discardContent(Key);
    contents += 1;
  }
  return { uploads, contents };
}

/**
 * Sweeps, unless somebody has not long ago: everybody who begins leaves a mark in the bucket, so that many processes do not
 * look at the same contents again and again.
 */
export async function sweepWhenDue(
  requests: S3Requests,
  target: SweepTarget,
  { intervalMs, nowMs }: { readonly intervalMs: number; readonly nowMs: number },
): Promise<void> {
  const { names, signal } = target;
  const last = await requests.describeContent(names.sweepMark, signal);
  // Half of it, because clocks and timers differ: twice in an interval at most.
  if (last?.writtenAtMs !== undefined && nowMs - last.writtenAtMs < intervalMs / 2) return;
  await requests.writeContent(names.sweepMark, Buffer.alloc(0), signal);
  await sweepBucket(requests, target);
}

async function* uploadsIn(
  requests: S3Requests,
  { bucket, names, signal }: SweepTarget,
): AsyncGenerator<MultipartUpload, void> {
  const { ListMultipartUploadsCommand } = requests.library.s3;
  for (const Prefix of names.passing) {
    let behind: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } | undefined = {};
    while (behind !== undefined) {
      const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix, ...behind });
      const request = (abortSignal: AbortSignal): Promise<ListMultipartUploadsCommandOutput> =>
        requests.client.send(command, { abortSignal });
      const page: ListMultipartUploadsCommandOutput = await requests.send('list-uploads', request, { signal });
      yield* page.Uploads ?? [];
      const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker } = page;
      const hasMore = IsTruncated === true && KeyMarker !== undefined;
      const UploadIdMarker = NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker };
      behind = hasMore ? { KeyMarker, ...UploadIdMarker } : undefined;
    }
  }
}

async function* contentsIn(requests: S3Requests, { names, signal }: SweepTarget): AsyncGenerator<_Object, void> {
  for (const Prefix of names.passing) {
    let behind: { readonly ContinuationToken?: string } | undefined = {};
    while (behind !== undefined) {
      const page: ListObjectsV2CommandOutput = await requests.listPage({ Prefix, ...behind }, signal);
      yield* page.Contents ?? [];
      const token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      behind = token === undefined ? undefined : { ContinuationToken: token };
    }
  }
}

function isStale(since: Date | undefined, name: string, { inUse, untilMs }: SweepTarget): boolean {
  return since !== undefined && since.getTime() <= untilMs && !inUse.has(name);
}

/** Whether the entry of its key names a content; what cannot be judged counts as named. */
async function isNamed(requests: S3Requests, { names, signal }: SweepTarget, name: string): Promise<boolean> {
  const content = names.ofContent(name);
  if (content === undefined) return false;
  const found = await requests.readEntry(content.key, signal);
  if (found === undefined) return false;
  return found.entry === undefined || found.entry.contentId === content.id;
}
