import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { appendFile, mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ApiError } from "./api-error.ts";
import type { Digest } from "./model.ts";

const CHUNK_BYTES = 256 * 1024;
const BLOB_BYTES_MAX = 1024 * 1024 * 1024;

/** Sources and artifacts by the sha-256 of their bytes: the same bytes are kept once. */
export class Blobs {
  readonly #folder: string;

  /** @param folder made when it does not exist */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** True when the blob is complete. */
  async has(digest: Digest): Promise<boolean> {
    return (await sizeOf(this.#path(digest))) !== undefined;
  }

  /** Bytes of an upload that have arrived so far: where to go on after a break. */
  async received(digest: Digest): Promise<number> {
    return (await sizeOf(this.#incoming(digest))) ?? 0;
  }

  /**
   * Adds bytes to an upload.
   * @param offset how many bytes came before; must be what `received` says
   * @returns how many have arrived now
   */
  async append(digest: Digest, offset: number, chunk: Uint8Array): Promise<number> {
    const received = await this.received(digest);
    if (offset !== received) {
      const text = `the upload of ${digest.slice(0, 12)} has ${received} bytes, not ${offset}`;
      throw new ApiError("ERR_INVALID", `${text}; go on from there`, { received });
    }
    if (received + chunk.length > BLOB_BYTES_MAX) {
      throw new ApiError("ERR_INVALID", `an upload may have at most ${BLOB_BYTES_MAX} bytes`);
    }
    await mkdir(join(this.#folder, "incoming"), { recursive: true });
    await appendFile(this.#incoming(digest), chunk);
    return received + chunk.length;
  }

  /** Ends an upload: from now on the blob can be read. Checks that its bytes are what its name says. */
  async finish(digest: Digest): Promise<void> {
    if (await this.has(digest)) return;
    const incoming = this.#incoming(digest);
    const hash = createHash("sha256");
    await pipeline(createReadStream(incoming), hash);
    const actual = hash.digest("hex");
    if (actual !== digest) {
      await rm(incoming, { force: true });
      const text = `the bytes of ${digest.slice(0, 12)} have sha-256 ${actual.slice(0, 12)}`;
      throw new ApiError("ERR_DIGEST", `${text}; upload them again`);
    }
    await mkdir(join(this.#folder, digest.slice(0, 2)), { recursive: true });
    await rename(incoming, this.#path(digest));
  }

  /** The bytes of a blob from `offset` on, in chunks of 256 KiB. */
  async *read(digest: Digest, offset = 0): AsyncGenerator<Uint8Array> {
    if (!(await this.has(digest))) {
      throw new ApiError("ERR_NOT_FOUND", `no blob ${digest.slice(0, 12)}`);
    }
    const options = { start: offset, highWaterMark: CHUNK_BYTES };
    yield* createReadStream(this.#path(digest), options);
  }

  #path(digest: Digest): string {
    checkDigest(digest);
    return join(this.#folder, digest.slice(0, 2), digest);
  }

  #incoming(digest: Digest): string {
    checkDigest(digest);
    return join(this.#folder, "incoming", digest);
  }
}

function checkDigest(digest: Digest): void {
  if (!/^[0-9a-f]{64}$/.test(digest)) {
    throw new ApiError(
      "ERR_INVALID",
      `not a sha-256 in hex: ${JSON.stringify(digest).slice(0, 80)}`,
    );
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}
