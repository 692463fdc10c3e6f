import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { stripVTControlCharacters } from "node:util";

/** True when `script` of util-linux is there, which makes a terminal for a command. */
export const hasPty: boolean =
  process.platform === "linux" &&
  /util-linux/.test(spawnSync("script", ["--version"], { encoding: "utf8" }).stdout ?? "");

/** A command on a terminal of its own. */
export class Pty implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #text = "";
  #heard = (): void => undefined;

  /** @param words the command; none may hold a single quote */
  constructor(words: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }) {
    const line = words.map((word) => `'${word}'`).join(" ");
    const env = { ...options.env, TERM: "xterm", SHELL: "/bin/sh" };
    this.#child = spawn("script", ["-qefc", line, "/dev/null"], { ...options, env });
    this.#child.stdout?.on("data", (bytes) => {
      this.#text += stripVTControlCharacters(String(bytes));
      this.#heard();
    });
    this.#gone = new Promise((resolve) => this.#child.once("exit", () => resolve()));
  }

  /** Presses keys. */
  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Waits until it shows what matches; what stood before is forgotten. */
  async shows(pattern: RegExp): Promise<void> {
    for (;;) {
      const found = pattern.exec(this.#text);
      if (found !== null) {
        this.#text = this.#text.slice(found.index + found[0].length);
        return;
      }
      const more = new Promise<void>((resolve) => (this.#heard = resolve));
      const ended = this.#gone.then(() => Promise.reject(new Error(`it ended: ${this.#text}`)));
      await Promise.race([more, ended]);
    }
  }

  /** Waits until the command has ended. @returns its exit code */
  async ended(): Promise<number | null> {
    await this.#gone;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill("SIGTERM");
    await this.#gone;
  }
}
