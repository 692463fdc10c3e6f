import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../bin/zp.js", import.meta.url));
export const FIXTURES: string = fileURLToPath(new URL("./fixtures/", import.meta.url));

/** What a command that has ended left. */
export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The real command, with a folder of running services of its own. */
export class Zp implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "zp-test-"));
  readonly #children: ChildProcess[] = [];

  /** What the commands run with; those that start later see what is changed. */
  readonly env: NodeJS.ProcessEnv = {
    ...process.env,
    NO_COLOR: "1",
    ZP_DATA_DIR: "",
    ZP_RUN_DIR: this.folder,
  };

  /** The command line of `words`. */
  command(...words: string[]): [string, ...string[]] {
    return [process.execPath, BIN, ...words];
  }

  start(...words: string[]): ChildProcess {
    const [node, ...line] = this.command(...words);
    const child = spawn(node, line, { cwd: FIXTURES, env: this.env });
    this.#children.push(child);
    return child;
  }

  async run(words: readonly string[], input = ""): Promise<Outcome> {
    const child = this.start(...words);
    let out = "";
    let err = "";
    child.stdout?.on("data", (text) => (out += String(text)));
    child.stderr?.on("data", (text) => (err += String(text)));
    child.stdin?.on("error", () => undefined).end(input);
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, out, err };
  }

  /** Serves, and waits for the ready line. @returns the endpoint */
  async serve(...words: string[]): Promise<{ endpoint: string; child: ChildProcess }> {
    const child = this.start("serve", ...words, "--json");
    const line = await said(child, /\{.*\}/);
    const { endpoints } = JSON.parse(line) as { endpoints: [string] };
    return { endpoint: endpoints[0], child };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The first text on standard error that matches, from now on. */
export function said(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = "";
  return new Promise((resolve, reject) => {
    const hear = (more: unknown): void => {
      text += String(more);
      const found = pattern.exec(text);
      if (found !== null) resolve(found[0]);
    };
    child.stderr?.on("data", hear);
    child.once("exit", () => reject(new Error(`it ended: ${text}`)));
  });
}
