/** Answers every request with the same 1 KB of JSON, without reading more of it than where it ends; sends its port to its parent. */
import { createServer } from 'node:net';

const body = JSON.stringify({
  id: 42,
  name: 'Ann Example',
  email: 'ann@example.com',
  active: true,
  score: 6.5,
  roles: ['reader', 'writer', 'owner'],
  address: { street: 'Long Street 12', city: 'Bern', zip: '3000', country: 'CH' },
  text: 'All of this is a thousand bytes or so of JSON. '.repeat(17),
});
const answer = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'content-type: application/json; charset=utf-8',
    'date: Sat, 21 Nov 2026 12:00:00 GMT',
    'connection: keep-alive',
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n'),
);
const endOfRequest = Buffer.from('\r\n\r\n');

const server = createServer(socket => {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  // One request at a time, and none with a body: whoever waits for its answer has sent it as a whole.
  socket.on('data', chunk => {
    if (chunk.subarray(-4).equals(endOfRequest)) socket.write(answer);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' ? address?.port : 0);
});
process.once('disconnect', () => process.exit());
