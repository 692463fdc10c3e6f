import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdCompress } from "node:zlib";
import type { Digest } from "@zeroplane/deploy-api";
import { Pack } from "tar";

/** What {@link packArtifact} wrote. */
export interface Packed {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly files: number;
}

/** Folders that never belong to an artifact. */
const LEFT_OUT = new Set([".git", "__pycache__"]);

/** Forgets what it is told, so that two names of one file are packed as two files. */
class NoHardLinks extends Map<`${number}:${number}`, string> {
  override get(): undefined {
    return undefined;
  }
}

/**
 * Packs a folder into a `.tar.zst` whose bytes depend only on names, contents, link targets and the
 * executable bit: entries sorted, times and owners zero, modes 755 or 644.
 * @param dir the folder
 * @param file where the archive goes
 * @param signal stops it
 */
export async function packArtifact(
  dir: string,
  file: string,
  signal: AbortSignal,
): Promise<Packed> {
  const pack = new Pack({
    cwd: dir,
    portable: true,
    strict: true,
    mtime: new Date(0),
    noDirRecurse: true,
    linkCache: new NoHardLinks(),
    onWriteEntry: (entry) => {
      if (entry.stat === undefined || entry.type === "SymbolicLink") return;
      const runs = entry.type === "Directory" || (entry.stat.mode & 0o111) !== 0;
      entry.stat.mode = runs ? 0o755 : 0o644;
    },
  });
  const names = await namesIn(dir, "");
  for (const name of names) pack.add(name);
  pack.end();
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  const compressor = createZstdCompress();
  const written = pipeline(compressor, measure, createWriteStream(file), { signal });
  await Promise.all([feed(compressor, Readable.from(pack, { objectMode: false })), written]);
  return { digest: hash.digest("hex"), sizeBytes, files: names.length };
}

/**
 * Compresses chunk by chunk, and says that it was the last one only when that is done: a compressor
 * that hears of the end together with a chunk writes another header, so the bytes would depend on
 * timing.
 */
async function feed(compressor: Transform, chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of chunks) {
    await new Promise<void>((resolve, reject) => {
      compressor.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }
  compressor.end();
}

/** All names below a folder, each folder before what is in it, in the order of their code units. */
async function namesIn(dir: string, prefix: string): Promise<string[]> {
  const entries = await readdir(join(dir, prefix), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const names: string[] = [];
  for (const entry of entries) {
    const name = `${prefix}${entry.name}`;
    if (entry.isDirectory()) {
      if (LEFT_OUT.has(entry.name)) continue;
      names.push(`./${name}`, ...(await namesIn(dir, `${name}/`)));
    } else if (entry.isFile() || entry.isSymbolicLink()) names.push(`./${name}`);
  }
  return names;
}
