export type { S3Credentials, S3RequestGuard, S3StorageStrategyOptions } from './s3-options.ts';
export { S3StorageStrategy } from './s3-storage-strategy.ts';
export type { SweptUploads } from './s3-sweep.ts';
export type { UploadUrl, UploadUrlOptions } from './s3-urls.ts';
