import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Blobs } from "@tuppence/core";

export interface S3BlobsOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Goes before each name; end it with a slash. Default: none. */
  readonly prefix?: string | undefined;
}

/**
 * Bodies above an item as objects in an S3 bucket. S3 shows an object to every read after its put
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel), and whole or not at all.
 *
 * A missing object is only told from a forbidden one with the permission s3:ListBucket: without it, `get` rejects
 * with AccessDenied where it would give undefined.
 */
export function createS3Blobs({ client, bucket: Bucket, prefix = "" }: S3BlobsOptions): Blobs {
  return {
    async put(name, body) {
      await client.send(new PutObjectCommand({ Bucket, Key: `${prefix}${name}`, Body: body }));
    },
    async get(name) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: `${prefix}${name}` }));
        return await Body?.transformToByteArray();
      } catch (error) {
        if ((error as Error).name === "NoSuchKey") return undefined;
        throw error;
      }
    },
  };
}
