import { ArgumentError } from '../errors/index.ts';

/** A position in PostgreSQL's write-ahead log as a number, so that two can be compared. */
export function parseLogPosition(text: string): bigint {
  const parts = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text);
  if (parts === null) {
    const expected = 'expected a position of the write-ahead log, such as 0/3000148, from writePosition()';
    throw new ArgumentError(`Cannot use ${JSON.stringify(text.slice(0, 40))} as position: ${expected}`, 'position');
  }
  return (BigInt(`0x${parts[1]}`) << 32n) + BigInt(`0x${parts[2]}`);
}
