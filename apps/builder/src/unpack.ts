import { createReadStream } from "node:fs";
import { mkdir, open, symlink } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { PassThrough, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { type ReadEntry, Unpack } from "tar";
import { BuildError, type BuildErrorCode } from "./build-error.ts";

/** How much a source may hold. */
export interface UnpackLimits {
  /** Sum of the sizes of its files, bytes. */
  readonly sourceBytes: number;
  /** Files, folders and links together. */
  readonly files: number;
}

/** What was unpacked. */
export interface Unpacked {
  readonly files: number;
  readonly bytes: number;
}

const PLAIN_TYPES = new Set(["File", "OldFile", "ContiguousFile", "Directory", "GNUDumpDir"]);

/** Room for headers and padding on top of the file contents: two blocks of 512 bytes an entry. */
const HEADER_BYTES = 1024;

/**
 * Unpacks a source archive so that nothing of it can stand or point outside the folder.
 * @param file a `.tar.gz`, `.tar.zst` or plain `.tar`, told apart by its first bytes
 * @param dir an empty folder
 * @param limits what it may hold at most
 * @param signal stops it
 * @throws BuildError `ERR_BUILD_UNPACK` for a broken archive or one that leads outside,
 *   `ERR_BUILD_LIMIT` over a limit
 */
export async function unpack(
  file: string,
  dir: string,
  limits: UnpackLimits,
  signal: AbortSignal,
): Promise<Unpacked> {
  const gate = new Gate(limits);
  const target = new Unpack({
    cwd: dir,
    strict: true,
    noMtime: true,
    filter: (_path, entry) => "type" in entry && gate.admits(entry),
  });
  try {
    const archive = createReadStream(file);
    await pipeline(archive, await decompressor(file), gate.counter(), target, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    if (isOfTheHost(cause)) throw cause;
    throw (
      gate.refusal ?? refusal("ERR_BUILD_UNPACK", `the source is no sound archive: ${text(cause)}`)
    );
  }
  if (gate.refusal !== undefined) throw gate.refusal;
  await makeLinks(dir, gate.links);
  return { files: gate.files, bytes: gate.bytes };
}

/** Judges each entry by its name, type, size and link target before it touches the disk. */
class Gate {
  readonly links = new Map<string, string>();
  files = 0;
  bytes = 0;
  refusal: BuildError | undefined;
  readonly #limits: UnpackLimits;

  constructor(limits: UnpackLimits) {
    this.#limits = limits;
  }

  admits(entry: ReadEntry): boolean {
    this.files++;
    this.bytes += entry.size;
    this.refusal ??= this.#judge(entry);
    if (this.refusal !== undefined) return false;
    if (entry.type !== "SymbolicLink") return true;
    // Links are made last: what comes later can then never be written through them.
    this.links.set(clean(entry.path), entry.linkpath ?? "");
    return false;
  }

  /** Ends the stream at the first refusal, and when there is more than the limits can explain. */
  counter(): Transform {
    let seen = 0;
    const most = this.#limits.sourceBytes + this.#limits.files * HEADER_BYTES;
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        seen += chunk.length;
        if (seen > most) this.refusal ??= this.#tooLarge();
        done(this.refusal, chunk);
      },
    });
  }

  #judge(entry: ReadEntry): BuildError | undefined {
    const { path, type } = entry;
    if (this.bytes > this.#limits.sourceBytes) return this.#tooLarge();
    if (this.files > this.#limits.files) {
      const message = `the source holds more than ${this.#limits.files} files`;
      return refusal("ERR_BUILD_LIMIT", message, "leave node_modules and build output out of it");
    }
    if (leadsOutside(path, ".")) {
      return refusal("ERR_BUILD_UNPACK", `the source holds a path that leads outside it: ${path}`);
    }
    if (PLAIN_TYPES.has(type)) return undefined;
    if (type !== "SymbolicLink" && type !== "Link") {
      return refusal(
        "ERR_BUILD_UNPACK",
        `the source holds ${path}, of the unsupported type ${type}`,
      );
    }
    const target = entry.linkpath ?? "";
    const from = type === "Link" ? "." : posix.dirname(clean(path));
    if (!leadsOutside(target, from)) return undefined;
    const message = `the source holds a link that leads outside it: ${path} -> ${target}`;
    return refusal("ERR_BUILD_UNPACK", message, "replace the link by the files it points to");
  }

  #tooLarge(): BuildError {
    const mib = Math.floor(this.#limits.sourceBytes / 1024 / 1024);
    const message = `the source unpacks to more than ${mib} MiB`;
    return refusal("ERR_BUILD_LIMIT", message, "leave node_modules and build output out of it");
  }
}

/**
 * True for a path that is absolute, climbs above the root, or has `..` after a name. The last is
 * refused because `link/..` need not be where the text says once `link` is a symbolic link.
 */
function leadsOutside(path: string, from: string): boolean {
  if (path === "" || path.startsWith("/") || path.includes("\0") || path.includes("\\"))
    return true;
  const parts = clean(path).split("/");
  const climbs = parts.findIndex((part) => part !== "..");
  if (climbs >= 0 && parts.slice(climbs).includes("..")) return true;
  return posix.join(from, path).split("/")[0] === "..";
}

function clean(path: string): string {
  return path.replace(/^(\.\/+)+/, "").replace(/\/+$/, "");
}

async function makeLinks(dir: string, links: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, target] of links) {
    for (let up = posix.dirname(path); up !== "."; up = posix.dirname(up)) {
      if (links.has(up)) {
        throw refusal("ERR_BUILD_UNPACK", `the source holds ${path} below the link ${up}`);
      }
    }
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await symlink(target, join(dir, path)).catch((cause: unknown) => {
      throw refusal("ERR_BUILD_UNPACK", `cannot make the link ${path}: ${text(cause)}`);
    });
  }
}

async function decompressor(file: string): Promise<Transform> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.readUInt16BE(0) === 0x1f8b) return createGunzip();
    if (buffer.readUInt32LE(0) === 0xfd2fb528) return createZstdDecompress();
    return new PassThrough();
  } finally {
    await handle.close();
  }
}

function isOfTheHost(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT" || code === "EMFILE" || code === "ENOENT";
}

function refusal(code: BuildErrorCode, message: string, hint?: string): BuildError {
  return new BuildError(code, message, {
    phase: "unpack",
    ...(hint === undefined ? {} : { hint }),
  });
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
