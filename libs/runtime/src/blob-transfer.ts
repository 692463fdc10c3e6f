import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

/** A store of bytes by their sha-256 that takes uploads in pieces, as a remote service. */
export interface BlobTarget {
  /** True when the blob is there, whole. */
  has(digest: string): PromiseLike<boolean>;
  /** How many bytes of it are there. */
  received(digest: string): PromiseLike<number>;
  /** Adds bytes at an offset, which must be the end of what is there. */
  append(digest: string, offset: number, chunk: Uint8Array): PromiseLike<number>;
  /** Nothing more comes: checks the digest, and keeps the blob. */
  finish(digest: string): PromiseLike<void>;
}

/** A store of bytes by their sha-256 that can be read, as a remote service. */
export interface BlobSource {
  /** The bytes of a blob from an offset on. */
  read(digest: string, offset?: number): AsyncIterable<Uint8Array>;
}

const CHUNK_BYTES = 1024 * 1024;

/** The sha-256 of a file, in hex. */
export async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/**
 * Uploads a file unless the store has it; goes on where a broken upload ended.
 * @param onProgress hears how many bytes have arrived
 * @returns the name of its bytes
 */
export async function uploadFile(
  target: BlobTarget,
  file: string,
  onProgress?: (bytes: number) => void,
): Promise<string> {
  const digest = await digestOf(file);
  if (await target.has(digest)) return digest;
  let offset = await target.received(digest);
  for await (const chunk of createReadStream(file, { start: offset, highWaterMark: CHUNK_BYTES })) {
    offset = await target.append(digest, offset, chunk as Uint8Array);
    onProgress?.(offset);
  }
  await target.finish(digest);
  return digest;
}

/**
 * Downloads a blob to `file`, which is there only when it is whole and its bytes are right.
 * @throws when the bytes are not what their name says
 */
export async function downloadFile(
  source: BlobSource,
  digest: string,
  target: { readonly file: string; readonly signal?: AbortSignal },
): Promise<void> {
  const { file, signal } = target;
  const partial = `${file}.part`;
  const options = signal === undefined ? {} : { signal };
  await pipeline(source.read(digest), createWriteStream(partial), options);
  const actual = await digestOf(partial);
  if (actual !== digest) {
    throw new Error(
      `the bytes of ${digest.slice(0, 12)} arrived as ${actual.slice(0, 12)}; try again`,
    );
  }
  await rename(partial, file);
}
