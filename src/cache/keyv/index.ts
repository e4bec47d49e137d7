export { KeyvCacheStore, type KeyvCacheStoreOptions } from './keyv-store.ts';
