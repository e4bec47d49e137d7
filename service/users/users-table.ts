import { defineTable } from 'plinth/crud';
import { z } from 'zod';

const role = z.string().regex(/^[a-z][a-z0-9-]{0,49}$/, 'Expected lower-case letters, digits and hyphens');

/** Users. Addresses are kept in lower case, wherever they come from: nobody signs up twice with another spelling. */
export const users = defineTable({
  name: 'users',
  schema: z.object({
    id: z.uuid(),
    email: z.email().max(254).toLowerCase(),
    name: z.string().trim().min(1).max(200),
    roles: z.array(role).max(20).default([]),
    isActive: z.boolean().default(true),
    createdAt: z.date(),
    updatedAt: z.date(),
    version: z.int(),
  }),
  columns: {
    id: { key: true, generated: 'uuid' },
    email: { filterable: true, sortable: true, searchable: true },
    name: { filterable: true, sortable: true, searchable: true },
    isActive: { filterable: true },
    createdAt: { generated: 'now', filterable: true, sortable: true },
    updatedAt: { generated: 'updated' },
  },
  version: 'version',
});
