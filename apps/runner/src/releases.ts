import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, mkdir, readdir, rename, rm, stat, symlink, utimes } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";
import type { Digest } from "@zeroplane/deploy-api";
import { Unpack } from "tar";
import { messageOf, RunnerError } from "./runner-error.ts";

/** Writes the artifact with this digest to a file. Rejects when it cannot be had. */
export type FetchArtifact = (digest: Digest, toFile: string, signal: AbortSignal) => Promise<void>;

/** How long one artifact may take to arrive, milliseconds. */
const FETCH_MS = 5 * 60_000;

/**
 * Unpacked artifacts, one folder a digest, shared by all instances that run it. A folder is there
 * whole or not at all. Apps run in it and, by convention, do not write to it.
 */
export class Releases {
  readonly #folder: string;
  readonly #fetch: FetchArtifact;
  readonly #opening = new Map<Digest, Promise<string>>();
  readonly #closed = new AbortController();

  /**
   * @param folder where the release folders stand
   * @param fetch brings an artifact here
   */
  constructor(folder: string, fetch: FetchArtifact) {
    this.#folder = resolve(folder);
    this.#fetch = fetch;
  }

  /**
   * The folder of an artifact; fetches and unpacks it unless it is here. Callers that ask for the same
   * one at the same time share the work.
   * @param digest sha256 of the artifact
   * @throws RunnerError `ERR_RUNNER_FETCH`, `ERR_RUNNER_DIGEST` or `ERR_RUNNER_UNPACK`
   */
  async open(digest: Digest): Promise<string> {
    if (!/^[0-9a-f]{64}$/.test(digest)) {
      throw new RunnerError("ERR_RUNNER_DIGEST", `"${digest}" is no sha256 digest`);
    }
    const folder = join(this.#folder, digest);
    if (await exists(folder)) {
      const now = new Date();
      await utimes(folder, now, now);
      return folder;
    }
    const running = this.#opening.get(digest);
    if (running !== undefined) return await running;
    const opening = this.#bring(digest, folder).finally(() => this.#opening.delete(digest));
    this.#opening.set(digest, opening);
    return await opening;
  }

  /**
   * Removes what a crash left half done, and the releases unused longest.
   * @param isInUse true for a digest that stays whatever its age
   * @param keep how many others stay
   */
  async sweep(isInUse: (digest: Digest) => boolean, keep: number): Promise<void> {
    const idle: { name: string; usedMs: number }[] = [];
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const digest = name.replace(/^\./, "").split(".")[0] ?? "";
      if (isInUse(digest) || this.#opening.has(digest)) continue;
      const path = join(this.#folder, name);
      if (name.startsWith(".")) await rm(path, { recursive: true, force: true });
      else idle.push({ name, usedMs: (await stat(path)).mtimeMs });
    }
    idle.sort((a, b) => b.usedMs - a.usedMs);
    for (const { name } of idle.slice(keep)) {
      if (isInUse(name)) continue;
      // Moved away first: a release is there whole or not at all, while it is removed too.
      const trash = join(this.#folder, `.${name}.${randomUUID()}`);
      await rename(join(this.#folder, name), trash);
      await rm(trash, { recursive: true, force: true });
    }
  }

  /** Stops what is being fetched. */
  close(): void {
    this.#closed.abort();
  }

  async #bring(digest: Digest, folder: string): Promise<string> {
    const temporary = join(this.#folder, `.${digest}.${randomUUID()}`);
    const file = `${temporary}.tar.zst`;
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(FETCH_MS)]);
    try {
      await mkdir(temporary, { recursive: true });
      await this.#fetch(digest, file, signal).catch((cause: unknown) => {
        const message = `cannot fetch artifact ${digest}: ${messageOf(cause)}`;
        throw new RunnerError("ERR_RUNNER_FETCH", message, { cause });
      });
      await verify(digest, file);
      await unpack(file, temporary, signal).catch((cause: unknown) => {
        const message = `cannot unpack artifact ${digest}: ${messageOf(cause)}`;
        throw new RunnerError("ERR_RUNNER_UNPACK", message, { cause });
      });
      await rename(temporary, folder);
      return folder;
    } finally {
      await rm(file, { force: true });
      await rm(temporary, { recursive: true, force: true });
    }
  }
}

async function verify(digest: Digest, file: string): Promise<void> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const found = hash.digest("hex");
  if (found === digest) return;
  throw new RunnerError("ERR_RUNNER_DIGEST", `artifact ${digest} arrived as ${found}`);
}

/** Links are made last, so that nothing can be written through one of them. */
async function unpack(file: string, dir: string, signal: AbortSignal): Promise<void> {
  const links: { path: string; target: string }[] = [];
  const target = new Unpack({
    cwd: dir,
    strict: true,
    noMtime: true,
    filter: (_path, entry) => {
      if (!("type" in entry) || entry.type !== "SymbolicLink") return true;
      links.push({ path: join(dir, entry.path), target: entry.linkpath ?? "" });
      return false;
    },
  });
  await pipeline(createReadStream(file), createZstdDecompress(), target, { signal });
  for (const link of links) {
    const end = resolve(dirname(link.path), link.target);
    if (![link.path, end].every((path) => path === dir || path.startsWith(dir + sep))) {
      throw new Error(`link ${link.path} leads outside`);
    }
    await mkdir(dirname(link.path), { recursive: true });
    await symlink(link.target, link.path);
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
