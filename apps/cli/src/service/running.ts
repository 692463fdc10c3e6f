import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { startOf } from "../platform/process-table.ts";

/** A process that `zp serve` has started, as others find it by name. */
export interface RunningService {
  readonly name: string;
  readonly endpoint: string;
  readonly pid: number;
  /** When the process was started; tells it from a later one with that pid. */
  readonly start: string;
  /** Whose keys it has; nobody's when it has none. */
  readonly service?: string;
  /** What is served. */
  readonly target: string;
}

const FILES_MAX = 1_000;

/** The services that this user has started here: one file each, in a folder nobody else may read. */
export class RunningServices {
  readonly #folder: string;

  constructor(env: NodeJS.ProcessEnv = process.env) {
    const runtime = env["XDG_RUNTIME_DIR"];
    const base = runtime || join(tmpdir(), `zeroplane-${userInfo().username}`);
    this.#folder = env["ZP_RUN_DIR"] || join(base, runtime ? "zeroplane" : "services");
  }

  /** Makes this process known until it is disposed of. A folder that cannot be had is no failure. */
  add(service: Omit<RunningService, "pid" | "start">): Disposable {
    const file = join(this.#folder, `${process.pid}.json`);
    const record = { ...service, pid: process.pid, start: startOf(process.pid) ?? "" };
    const remove = (): void => rmSync(file, { force: true });
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
      renameSync(`${file}.new`, file);
      process.once("exit", remove);
    } catch {
      return { [Symbol.dispose]: () => undefined };
    }
    return { [Symbol.dispose]: remove };
  }

  /** Those that still run, by name. */
  list(): RunningService[] {
    if (!this.#isOwn()) return [];
    const files = readdirSync(this.#folder).filter((name) => name.endsWith(".json"));
    const found = files.slice(0, FILES_MAX).flatMap((name) => this.#read(join(this.#folder, name)));
    return found.toSorted((a, b) => a.name.localeCompare(b.name) || a.pid - b.pid);
  }

  /** Nobody else may tell this user where services are. */
  #isOwn(): boolean {
    const about = statSync(this.#folder, { throwIfNoEntry: false });
    if (about === undefined || !about.isDirectory()) return false;
    const { getuid } = process;
    return getuid === undefined || about.uid === getuid.call(process);
  }

  #read(file: string): RunningService[] {
    try {
      const record = JSON.parse(readFileSync(file, "utf8")) as RunningService;
      const isThere = startOf(record.pid) === record.start;
      if (!isThere) rmSync(file, { force: true });
      return isThere && typeof record.endpoint === "string" ? [record] : [];
    } catch {
      return [];
    }
  }
}
