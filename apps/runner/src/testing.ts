import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import type { DesiredInstance, Digest, ObservedInstance } from "@zeroplane/deploy-api";
import { create } from "tar";
import type { InstanceLine } from "./instance.ts";
import { Supervisor, type SupervisorOptions } from "./supervisor.ts";

/** A folder with artifacts, for the supervisors of one test; removed when disposed. */
export class TestHost implements AsyncDisposable {
  readonly folder: string;
  readonly lines: InstanceLine[] = [];
  readonly observed: ObservedInstance[] = [];
  /** Digests in the order they were fetched. */
  readonly fetched: Digest[] = [];
  #artifacts = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes an empty one. */
  static async make(): Promise<TestHost> {
    return new TestHost(await mkdtemp(join(tmpdir(), "zeroplane-runner-")));
  }

  /** Packs files as an artifact. */
  async artifact(files: Readonly<Record<string, string>>): Promise<Digest> {
    const dir = join(this.folder, `source-${++this.#artifacts}`);
    await mkdir(dir);
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
    const tar = join(this.folder, "packed.tar");
    await create({ cwd: dir, file: tar, portable: true }, ["."]);
    const bytes = zstdCompressSync(await readFile(tar));
    const digest = createHash("sha256").update(bytes).digest("hex");
    await writeFile(join(this.folder, digest), bytes);
    return digest;
  }

  /** A supervisor with short times, in this folder. */
  async supervisor(options: Partial<SupervisorOptions> = {}): Promise<Supervisor> {
    return await Supervisor.open({
      runner: "runner-1",
      dataFolder: join(this.folder, "data"),
      fetchArtifact: async (digest, toFile) => {
        this.fetched.push(digest);
        await copyFile(join(this.folder, digest), toFile);
      },
      onLine: (line) => this.lines.push(line),
      onObserved: (observed) => this.observed.push(observed),
      ...options,
      timing: { backoffMs: 20, backoffMaxMs: 100, livenessMs: 50, stopMs: 500, ...options.timing },
    });
  }

  /** The states an instance went through, repeats folded. */
  states(id: string): string[] {
    const states = this.observed.filter((one) => one.id === id).map((one) => one.state);
    return states.filter((state, index) => state !== states[index - 1]);
  }

  /** Waits for an instance to be seen in a state. */
  async sees(id: string, state: string, from = 0): Promise<ObservedInstance> {
    return await until(() =>
      this.observed.slice(from).find((one) => one.id === id && one.state === state),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** An instance to wish for. */
export function desired(
  id: string,
  artifact: Digest,
  more: Partial<DesiredInstance> = {},
): DesiredInstance {
  const wish = { id, artifact, app: "shop", release: "r1", deployId: "d1", runner: "runner-1" };
  return { ...wish, command: "exec node app.js", env: {}, health: {}, ...more };
}

/** Waits until `check` gives something. @throws Error when it does not within 10 s */
export async function until<T>(check: () => T | undefined | false): Promise<T> {
  const endMs = Date.now() + 10_000;
  while (Date.now() < endMs) {
    const value = check();
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("what the test waits for did not happen within 10 s");
}

/** True when no process has this id. */
export function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
