/** A process that logs and then ends in the way that its arguments name. For process.test.ts. */

import { systemClock } from 'plinth/kernel';
import { getLogger, setupLogging } from 'plinth/logging';

const [directory = '', mode, ending, count = '100'] = process.argv.slice(2);
const logging = setupLogging({
  directory,
  mode: mode === 'line' ? 'line' : 'buffered',
  environment: 'production',
  console: false,
  maxFileBytes: 262_144,
  keepFiles: 1_000,
});
const logger = getLogger('app');
for (let index = 0; index < Number(count); index += 1) logger.info(`line ${index}`);

switch (ending) {
  case 'exit':
    process.on('exit', () => logger.info('from an exit listener'));
    process.exitCode = 3;
    process.nextTick(() => process.exit());
    break;
  case 'throw':
    process.nextTick(() => JSON.parse('password=hunter2'));
    break;
  case 'reject':
    void Promise.reject(new TypeError('rejected'));
    break;
  case 'close':
    await logging.close();
    break;
  case 'kill':
    systemClock.setTimer(200, () => process.kill(process.pid, 'SIGKILL'), { keepsProcessAlive: true });
    break;
  default:
}
