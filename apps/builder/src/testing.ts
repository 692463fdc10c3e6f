import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Build, type BuildOptions } from "./build.ts";

const run = promisify(execFile);

/** A folder for one test, removed when disposed. */
export class TestFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes an empty folder. */
  static async make(): Promise<TestFolder> {
    return new TestFolder(await mkdtemp(join(tmpdir(), "zeroplane-builder-")));
  }

  /** Writes files, by path below the folder, and gives the folder's path. */
  async write(files: Readonly<Record<string, string>>, below = "app"): Promise<string> {
    const root = join(this.path, below);
    await mkdir(root, { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    return root;
  }

  /** Packs a folder with the system's tar, as gzip or zstd. */
  async archive(dir: string, name = "source.tar.gz"): Promise<string> {
    const file = join(this.path, name);
    await run("tar", [name.endsWith("gz") ? "-czf" : "-cf", file, "-C", dir, "."]);
    return file;
  }

  /** A build of an archive in this folder, with a cache beside it. */
  build(sourceFile: string, options: Partial<BuildOptions> = {}): Build {
    return new Build({
      sourceFile,
      workFolder: join(this.path, "work"),
      cacheFolder: join(this.path, "cache"),
      builder: "builder-1",
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** The folder of one of the sample apps. */
export function sample(name: string): string {
  return fileURLToPath(new URL(`../../../tools/samples/${name}`, import.meta.url));
}

/** Waits until `check` gives something. @throws Error when it does not within 10 s */
export async function until<T>(check: () => T | undefined | false): Promise<T> {
  const endMs = Date.now() + 10_000;
  while (Date.now() < endMs) {
    const value = check();
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("what the test waits for did not happen within 10 s");
}
