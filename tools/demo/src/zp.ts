import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How a `zp` command ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
}

const BIN = fileURLToPath(new URL("../../../apps/cli/bin/zp.js", import.meta.url));

/** Runs `zp` as a user does: a command of its own, whose progress is on stderr. */
export class Zp {
  readonly #env: Readonly<Record<string, string>>;
  readonly #options: readonly string[];

  /**
   * @param options for every command: `--data DIR`
   * @param env in addition to this process's own
   */
  constructor(options: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#options = options;
    this.#env = env;
  }

  /** Runs a command to its end. Its stderr is shown unless `quiet`. */
  async run(args: readonly string[], options: { readonly quiet?: boolean } = {}): Promise<Ended> {
    const child = this.#spawn(args, options.quiet === true ? "ignore" : "inherit");
    let out = "";
    child.stdout?.on("data", (data: Buffer) => {
      out += String(data);
    });
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve(status ?? 1));
    });
    return { code, out };
  }

  /** Runs a command and reads the JSON it prints, whatever its exit status. */
  async json<T>(args: readonly string[], options: { readonly quiet?: boolean } = {}): Promise<T> {
    const { code, out } = await this.run([...args, "--json"], options);
    try {
      return JSON.parse(out) as T;
    } catch (cause) {
      throw new Error(`zp ${args.join(" ")} ended with ${code} and printed no JSON`, { cause });
    }
  }

  #spawn(args: readonly string[], stderr: "ignore" | "inherit"): ChildProcess {
    return spawn(process.execPath, [BIN, ...args, ...this.#options], {
      env: { ...process.env, ...this.#env },
      stdio: ["ignore", "pipe", stderr],
    });
  }
}
