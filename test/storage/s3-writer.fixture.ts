/** Uploads without end, as a process that is killed in the middle of it: `s3-writer.fixture.ts <endpoint> <bucket> <key>`. */
import { Secret } from 'plinth/kernel';
import { S3StorageStrategy } from 'plinth/storage/s3';

const [endpoint = '', bucket = '', key = ''] = process.argv.slice(2);
const credentials = { accessKeyId: 'S3RVER', secretAccessKey: new Secret('S3RVER') };
const strategy = new S3StorageStrategy({ endpoint, bucket, credentials, partBytes: 5_242_880 });

async function* endless(): AsyncGenerator<Uint8Array> {
  for (let megabyte = 0; ; megabyte += 1) {
    yield Buffer.alloc(1_048_576, megabyte);
    if (megabyte === 17) process.stdout.write('Under way\n');
  }
}

await strategy.put(key, endless(), { finish: () => 'never' });
