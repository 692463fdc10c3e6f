import { stat } from "node:fs/promises";
import { create } from "tar";
import { usage } from "../cli-error.ts";
import { formatBytes } from "../render/units.ts";
import { type SourceFile, sourceFiles } from "./source-files.ts";

/** Most bytes of one source, before compression. */
export const SOURCE_BYTES_MAX = 512 * 1024 * 1024;

/** What was packed. */
export interface Packed {
  readonly files: number;
  /** Bytes of the files. */
  readonly sourceBytes: number;
  /** Bytes of the archive. */
  readonly packedBytes: number;
}

/** How to pack. */
export interface PackOptions {
  /** Most bytes of the files (default {@link SOURCE_BYTES_MAX}). */
  readonly bytesMax?: number;
}

/**
 * Packs a folder as a gzipped tar. The same files give the same bytes, so that an unchanged source
 * is not uploaded again: sorted, without times and owners.
 * @param file the archive, which is made
 * @throws CliError ERR_CLI_USAGE when there is no such folder, it has no files, or too many bytes
 */
export async function pack(dir: string, file: string, options: PackOptions = {}): Promise<Packed> {
  await checkFolder(dir);
  const files = await sourceFiles(dir);
  if (files.length === 0) throw usage(`nothing to deploy: ${dir} has no files`);
  const sourceBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const bytesMax = options.bytesMax ?? SOURCE_BYTES_MAX;
  if (sourceBytes > bytesMax) throw tooLarge(files, sourceBytes, bytesMax);
  const settings = { cwd: dir, file, gzip: true, portable: true, noDirRecurse: true };
  // A name that begins with @ would be read as an archive to include.
  const paths = files.map(({ path }) => `./${path}`);
  await create({ ...settings, mtime: new Date(0), strict: true }, paths);
  return { files: files.length, sourceBytes, packedBytes: (await stat(file)).size };
}

async function checkFolder(dir: string): Promise<void> {
  const found = await stat(dir).catch(() => undefined);
  if (found === undefined) throw usage(`no such folder: ${dir}`);
  if (!found.isDirectory()) throw usage(`not a folder: ${dir}`);
}

function tooLarge(files: readonly SourceFile[], bytes: number, bytesMax: number): Error {
  const sizes = new Map<string, number>();
  for (const { path, sizeBytes } of files) {
    const top = path.split("/")[0] ?? path;
    sizes.set(top, (sizes.get(top) ?? 0) + sizeBytes);
  }
  const largest = [...sizes].toSorted(([, a], [, b]) => b - a).slice(0, 3);
  const named = largest.map(([name, size]) => `${name} ${formatBytes(size)}`).join(", ");
  const text = `the folder has ${formatBytes(bytes)}, the limit is ${formatBytes(bytesMax)}`;
  return usage(`${text}; largest: ${named}; name what to leave out in a .gitignore`);
}
