import type { Migration } from 'plinth/database';

/** The tables of this feature, in the order they came to be. */
export const medicationMigrations: readonly Migration[] = [
  {
    name: '001-medication-answers',
    up: `
      create table medication_answers (
        question text not null,
        name text not null,
        fetched_at timestamptz not null,
        stored_at timestamptz not null,
        complete boolean not null,
        answer jsonb not null,
        primary key (question, name)
      )`,
    down: 'drop table medication_answers',
  },
];
