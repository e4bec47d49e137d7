import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { ConfigurationError } from '../../errors/index.ts';
import type { S3Credentials, S3Settings } from './s3-options.ts';

/** What is used of the vendor's packages. */
export interface S3Library {
  readonly s3: typeof import('@aws-sdk/client-s3');
  readonly presigner: typeof import('@aws-sdk/s3-request-presigner');
}

/** Loads the optional packages when they are needed: importing them changes the process. */
export async function loadS3(
  load: () => Promise<S3Library> = async () => ({
    s3: await import('@aws-sdk/client-s3'),
    presigner: await import('@aws-sdk/s3-request-presigner'),
  }),
): Promise<S3Library> {
  try {
    return await load();
  } catch (cause) {
    const packages = '@aws-sdk/client-s3 @aws-sdk/s3-request-presigner';
    throw new ConfigurationError(
      'Cannot keep files in S3 without the packages of its SDK',
      [{ name: '@aws-sdk/client-s3', message: `Not installed. Install it with "npm install ${packages}"` }],
      { cause },
    );
  }
}

/** A client of our own. */
export function createS3Client({ s3 }: S3Library, settings: S3Settings): S3Client {
  const { region, endpoint, forcePathStyle, maxAttempts, credentials, requestTimeoutMs } = settings;
  const config: S3ClientConfig = {
    region,
    forcePathStyle,
    maxAttempts,
    // Other checksums than the signature over the content are not known to every server.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: requestTimeoutMs },
    ...(endpoint === undefined ? {} : { endpoint }),
  };
  if (credentials === undefined) return new s3.S3Client(config);
  const give = typeof credentials === 'function' ? credentials : async () => credentials;
  return new s3.S3Client({ ...config, credentials: async () => revealed(await give()) });
}

function revealed({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials): {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
} {
  const token = sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() };
  return { accessKeyId, secretAccessKey: secretAccessKey.reveal(), ...token };
}
