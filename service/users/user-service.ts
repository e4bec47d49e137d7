import { BaseService, type Row } from 'plinth/crud';
import { NotFoundError } from 'plinth/errors';
import { users } from './users-table.ts';

/** Users, and how one is found by what people know of them. */
export class UserService extends BaseService<typeof users> {
  /** The user with this address, in whatever case it is written. @throws {NotFoundError} when there is none. */
  async getByEmail(email: string): Promise<Row<typeof users>> {
    const address = email.trim().toLowerCase();
    const user = await this.repository.findOne({ field: 'email', operator: 'eq', value: address });
    // The address is not repeated in the answer: it would end in logs.
    if (user === undefined) throw new NotFoundError(users.resource, 'with this address');
    return user;
  }
}
