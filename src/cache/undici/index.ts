export { UndiciCacheStore, type UndiciCacheStoreOptions } from './undici-cache-store.ts';
