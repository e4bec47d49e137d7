import type { Migration } from 'plinth/database';

/** The tables of this feature, in the order they came to be. Each sort of the list has its index. */
export const userMigrations: readonly Migration[] = [
  {
    name: '002-users',
    up: `
      create table users (
        id uuid primary key,
        email text not null unique constraint users_email_check check (email = lower(email)),
        name text not null,
        roles jsonb not null,
        is_active boolean not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        version integer not null
      );
      create index users_name_id on users (name, id);
      create index users_created_at_id on users (created_at, id)`,
    down: 'drop table users',
  },
];
