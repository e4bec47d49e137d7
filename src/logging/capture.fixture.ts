import { VirtualClock } from '../testing/index.ts';
import { createLogging, type Logging, type LoggingOptions } from './index.ts';

/** Logging without files whose lines are kept. */
export interface Capture {
  readonly logging: Logging;
  readonly clock: VirtualClock;
  /** The lines as they were written, without their newlines. */
  readonly lines: string[];
  /** The lines as records. */
  records(): Record<string, unknown>[];
}

export function capture(options: LoggingOptions = {}): Capture {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const write = (text: string): void => {
    lines.push(...text.split(/\n(?!$| )/).map(line => line.replace(/\n$/, '')));
  };
  const logging = createLogging({
    level: 'DEBUG',
    environment: 'production',
    mode: 'line',
    files: false,
    console: { write },
    clock,
    ...options,
  });
  return { logging, clock, lines, records: () => lines.map(line => JSON.parse(line)) };
}
