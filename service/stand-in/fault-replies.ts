import type { ServerResponse } from 'node:http';
import type { Fault } from './faults.ts';
import { htmlReply, jsonReply, type Reply, textReply } from './reply.ts';

/** What is answered instead of the source, if the fault has an answer of its own. */
export function replyOfFault(fault: Fault | undefined): Reply | undefined {
  if (fault?.redirectTo !== undefined) return textReply(302, 'Found\n', { location: fault.redirectTo });
  if (fault?.failWith !== undefined) {
    const error = { code: 'SERVICE_UNAVAILABLE', message: 'The stand-in was told to fail' };
    const { retryAfterSeconds } = fault;
    const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
    return jsonReply(fault.failWith, { error }, headers);
  }
  if (fault?.html) {
    const page =
      '<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body>Please come back later.</body></html>\n';
    return htmlReply(200, page);
  }
  return undefined;
}

/** The answer as a fault leaves it. */
export function spoil(fault: Fault | undefined, reply: Reply): Reply {
  return fault?.truncate ? { ...reply, body: reply.body.subarray(0, Math.floor(reply.body.length / 2)) } : reply;
}

/** Sends a body that has no end, as fast as it is read. */
export function sendEndless(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  response.write('{"results":["');
  const piece = 'x'.repeat(65_536);
  const fill = (): void => {
    while (!response.destroyed && response.write(piece));
  };
  response.on('drain', fill);
  fill();
}
