import type { DatabaseManager } from 'plinth/database';
import type { ServerRoutes } from 'plinth/server';
import { resourceRoutes } from '../resource-routes.ts';
import type { UserService } from './user-service.ts';
import { users } from './users-table.ts';

/** The routes of this feature. */
export function userRoutes(service: UserService, database: Pick<DatabaseManager, 'transaction'>): ServerRoutes {
  return resourceRoutes({
    path: '/users',
    tag: 'users',
    words: { one: 'a user', many: 'users' },
    table: users,
    keyParam: 'userId',
    database,
    service: () => service,
  });
}
