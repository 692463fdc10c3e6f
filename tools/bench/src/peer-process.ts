import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** How a peer process is started. */
export interface PeerProcessOptions {
  /** Arguments of node itself beyond those that every peer gets. */
  readonly execArgv?: readonly string[];
}

const EXEC_ARGV = ["-C", "@zeroplane/source"];

/** A process of its own that answers one question at a time, and ends with this one. */
export class PeerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** The first thing it said. */
  readonly ready: unknown;

  private constructor(child: ChildProcess, ready: unknown) {
    this.#child = child;
    this.ready = ready;
  }

  /** Starts `script` and waits until it says that it is ready. */
  static async fork(
    script: URL,
    args: readonly string[],
    options: PeerProcessOptions = {},
  ): Promise<PeerProcess> {
    const child = fork(script, args, { execArgv: [...EXEC_ARGV, ...(options.execArgv ?? [])] });
    return new PeerProcess(child, await reply(child));
  }

  /** Asks one question; the next thing it says is the answer. */
  async ask<T>(question: object): Promise<T> {
    this.#child.send(question);
    return (await reply(this.#child)) as T;
  }

  /** Ends it as `kill -9` does, without waiting. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Lets it end by itself, with whatever it has started. */
  async end(): Promise<void> {
    if (!this.#child.connected) return;
    const exited = once(this.#child, "exit");
    this.#child.disconnect();
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.kill();
    await exited;
  }
}

async function reply(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const exited = once(child, "exit", { signal: ended.signal }).then(([code, signal]) => {
    throw new Error(`a peer process ended early: ${String(code ?? signal)}`);
  });
  const [message] = (await Promise.race([
    once(child, "message", { signal: ended.signal }),
    exited,
  ])) as unknown[];
  exited.catch(() => undefined);
  ended.abort();
  return message;
}

/** The child's side: says `ready`, answers each question, and ends with the parent. */
export function answerParent<Q>(ready: unknown, answer: (question: Q) => unknown): void {
  process.on("message", (question) => {
    void Promise.resolve(answer(question as Q)).then((reply) => process.send?.(reply ?? null));
  });
  process.once("disconnect", () => process.exit(0));
  process.send?.(ready);
}
