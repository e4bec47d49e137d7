import { type Reply, textReply } from '../reply.ts';
import type { Question, StandInSource } from '../source.ts';
import type { OrangeBookRecording } from './fda-recordings.ts';

/** The path of the download, below `https://www.fda.gov`. */
export const orangeBookPath = '/media/76860/download';

/** Stands in for the download of the Orange Book. */
export class OrangeBookSource implements StandInSource {
  readonly name = 'orange-book';
  readonly #recording: OrangeBookRecording;

  constructor(recording: OrangeBookRecording) {
    this.#recording = recording;
  }

  routeOf(pathname: string): string | undefined {
    return pathname === orangeBookPath ? orangeBookPath : undefined;
  }

  answer({ method, headers: asked }: Question): Reply {
    if (method !== 'GET' && method !== 'HEAD') return textReply(405, 'Method Not Allowed\n');
    const { zip, etag, recordedOn } = this.#recording;
    const headers = {
      'content-type': 'application/zip',
      'content-disposition': 'attachment; filename="EOBZIP.zip"',
      etag,
      'last-modified': new Date(`${recordedOn}T12:00:00Z`).toUTCString(),
      'x-recorded': recordedOn,
    };
    const since = Date.parse(asked['if-modified-since'] ?? '');
    const conditions = asked['if-none-match'];
    const isUnchanged =
      conditions === undefined ? since >= Date.parse(headers['last-modified']) : conditions.includes(etag);
    return isUnchanged ? { status: 304, headers, body: Buffer.alloc(0) } : { status: 200, headers, body: zip };
  }
}
