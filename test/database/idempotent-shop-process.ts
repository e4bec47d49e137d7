/** A shop as a process of its own, which dies where it is told to. */
import { DatabaseManager } from 'plinth/database';
import { openShop, type ShopTables } from './idempotent-shop.ts';

const [url, leaseMs] = process.argv.slice(2);
const database = new DatabaseManager<ShopTables>({ url });
await database.open();
const server = await openShop(database, {
  leaseMs: Number(leaseMs),
  die: () => process.kill(process.pid, 'SIGKILL'),
});
process.stdout.write(`${(await server.listen({ port: 0 })).url}\n`);
