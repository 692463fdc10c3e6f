import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { PlanStep } from "@zeroplane/deploy-api";
import { firstFile, isObject, jsonObject, textIn } from "./source-tree.ts";

/** What of package.json decides what an install gives. */
const FIELDS = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
const MORE_FIELDS = ["overrides", "bundleDependencies", "allowScripts"];

/** Scripts of the app that npm runs at an install: with one of them it may do more than node_modules. */
const INSTALL_SCRIPTS = ["preinstall", "install", "postinstall", "prepublish", "prepare"];

const FOLDER = "node_modules";

const run = promisify(execFile);

/**
 * Installed node_modules folders, kept by what they were made of, so that an unchanged lock file costs
 * a copy instead of an install. Copies share blocks where the file system can (reflink) and never
 * inodes, because a build may write into its node_modules. At most `entries` are kept; the one unused
 * longest goes first.
 */
export class DependencyLayers {
  readonly #folder: string;
  readonly #entries: number;

  /**
   * @param folder where they are kept; other builders of this host may share it
   * @param entries how many are kept at most
   */
  constructor(folder: string, entries: number) {
    this.#folder = folder;
    this.#entries = entries;
  }

  /**
   * The name of the layer that a step would make: sha256 of lock file, dependency fields of
   * package.json, `.npmrc`, command, Node version and platform.
   * @param dir root of the source
   * @param step the install step
   * @returns undefined when the step's result must not be reused: no lock file, workspaces, or the
   *   app has install scripts of its own
   */
  async keyOf(dir: string, step: PlanStep): Promise<string | undefined> {
    const lock = await firstFile(dir, ["npm-shrinkwrap.json", "package-lock.json"]);
    const text = await textIn(dir, "package.json");
    if (lock === undefined || text === undefined || step.command[1] !== "ci") return undefined;
    const manifest = jsonObject("package.json", text);
    const scripts = isObject(manifest["scripts"]) ? manifest["scripts"] : {};
    if (manifest["workspaces"] !== undefined) return undefined;
    if (INSTALL_SCRIPTS.some((name) => scripts[name] !== undefined)) return undefined;
    const parts = [
      await textIn(dir, lock),
      [...FIELDS, ...MORE_FIELDS].map((field) => manifest[field] ?? null),
      (await textIn(dir, ".npmrc")) ?? "",
      step.command,
      [process.version, process.platform, process.arch],
    ];
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  }

  /**
   * Copies a kept layer into a source folder.
   * @returns false when there is none
   */
  async restore(key: string, dir: string): Promise<boolean> {
    const layer = join(this.#folder, key);
    if (!(await isFolder(layer))) return false;
    const now = new Date();
    await utimes(layer, now, now);
    await rm(join(dir, FOLDER), { recursive: true, force: true });
    await copy(layer, join(dir, FOLDER));
    return true;
  }

  /** Keeps the node_modules of a source folder, and lets the one unused longest go when it is full. */
  async save(key: string, dir: string): Promise<void> {
    if (!(await isFolder(join(dir, FOLDER)))) return;
    await mkdir(this.#folder, { recursive: true });
    const temporary = join(this.#folder, `.${randomUUID()}`);
    try {
      await copy(join(dir, FOLDER), temporary);
      // Another builder may have been first; its layer is as good.
      await rename(temporary, join(this.#folder, key)).catch(() => {});
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    await this.#evict();
  }

  async #evict(): Promise<void> {
    const names = (await readdir(this.#folder)).filter((name) => !name.startsWith("."));
    const used = await Promise.all(
      names.map(async (name) => ({ name, at: await lastUse(join(this.#folder, name)) })),
    );
    used.sort((a, b) => b.at - a.at);
    for (const { name } of used.slice(this.#entries)) {
      await rm(join(this.#folder, name), { recursive: true, force: true });
    }
  }
}

/** The system's own cp: a tenth of the time of `fs.cp` over the hundreds of small files of a layer. */
async function copy(from: string, to: string): Promise<void> {
  await run("cp", ["-RPp", from, to]);
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

async function lastUse(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}
