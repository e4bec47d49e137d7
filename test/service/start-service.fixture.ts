import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from 'plinth/testing';
import { afterAll, beforeAll } from 'vitest';
import { type Service, startService } from '../../service/service.ts';
import { settle } from '../../service/stand-in/settle.fixture.ts';

/** The reference service with recorded sources on a virtual clock, for all tests of a file. */
export interface ServiceUnderTest {
  clock: VirtualClock;
  service: Service;
  directory: string;
  /** Starts another one on the same data, when the one before is closed. */
  start(): Promise<Service>;
  /** Asks a route below `/api/v1`, and lets virtual time pass until it has answered. */
  ask(path: string, init?: RequestInit): Promise<{ readonly status: number; readonly body: never }>;
}

/** Starts the service before the tests of a file and closes it after them. */
export function useService(environment: Readonly<Record<string, string>> = {}): ServiceUnderTest {
  const tested = {} as ServiceUnderTest;

  tested.start = async () => {
    tested.service = await startService({
      clock: tested.clock,
      logging: { console: false },
      settings: {
        envFile: false,
        yamlFile: false,
        environment: {
          ENVIRONMENT: 'test',
          PORT: '0',
          DATA_DIR: tested.directory,
          UPSTREAMS: 'recorded',
          RATE_LIMIT_REQUESTS: '10000',
          ...environment,
        },
      },
    });
    return tested.service;
  };

  tested.ask = async (path, init) => {
    const response = await settle(tested.clock, fetch(`${tested.service.url}/api/v1${path}`, init));
    return { status: response.status, body: (await response.json()) as never };
  };

  beforeAll(async () => {
    tested.clock = new VirtualClock();
    tested.directory = await mkdtemp(join(tmpdir(), 'plinth-service-'));
    await tested.start();
  });

  afterAll(async () => {
    await tested.service.close();
    await rm(tested.directory, { recursive: true, force: true });
  });

  return tested;
}
