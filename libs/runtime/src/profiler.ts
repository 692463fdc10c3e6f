import { Session } from "node:inspector/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { RpcError } from "@zeroplane/rpc";
import type { SpansOfWindow, Tracing } from "@zeroplane/tracing";

/** How a profile is taken. */
export interface ProfileOptions {
  /** How long, milliseconds: 1 to 30 000 (default 5 000). */
  readonly ms?: number;
  /** Between two samples, microseconds: 100 to 100 000 (default 1 000). */
  readonly intervalUs?: number;
}

/** What a profile is of, beside what V8 says. */
export interface ProfileFacts {
  readonly service: string;
  readonly node: string;
  readonly pid: number;
  /** Which spans were open while it was taken; absent when the process is not traced. */
  readonly window?: SpansOfWindow;
}

const MS = { default: 5_000, min: 1, max: 30_000 };
const INTERVAL_US = { default: 1_000, min: 100, max: 100_000 };
/** Longest profile, characters. */
const TEXT_MAX = 8 * 1024 * 1024;

/** Takes CPU profiles of this process, one at a time. */
export class Profiler {
  readonly #facts: { readonly service: string; readonly node: string };
  readonly #tracing: Tracing | undefined;
  #isBusy = false;

  constructor(
    { service, node }: { readonly service: string; readonly node: string },
    tracing: Tracing | undefined,
  ) {
    this.#facts = { service, node };
    this.#tracing = tracing;
  }

  /**
   * @returns a `.cpuprofile` as text, at most 8 MiB, with {@link ProfileFacts} under `zeroplane`
   * @throws RpcError ERR_INVALID_ARGUMENTS when an option is out of its bounds, ERR_OVERLOADED while another is being taken or
   *   when it is too long
   */
  async take({
    ms = MS.default,
    intervalUs = INTERVAL_US.default,
  }: ProfileOptions): Promise<string> {
    within("ms", ms, MS);
    within("intervalUs", intervalUs, INTERVAL_US);
    if (this.#isBusy) {
      throw new RpcError("ERR_OVERLOADED", "a profile is being taken; try when it has ended");
    }
    this.#isBusy = true;
    const session = new Session();
    session.connect();
    try {
      const window = this.#tracing?.watch();
      await session.post("Profiler.enable");
      await session.post("Profiler.setSamplingInterval", { interval: intervalUs });
      await session.post("Profiler.start");
      await sleep(ms);
      const { profile } = await session.post("Profiler.stop");
      const facts = { ...this.#facts, pid: process.pid, ...(window && { window: window.read() }) };
      return bounded(JSON.stringify({ ...profile, zeroplane: facts satisfies ProfileFacts }));
    } finally {
      session.disconnect();
      this.#tracing?.unwatch();
      this.#isBusy = false;
    }
  }
}

function within(name: string, value: unknown, { min, max }: typeof MS): void {
  if (typeof value === "number" && value >= min && value <= max) return;
  const text = `${name}: ${String(value)} is not a number from ${min} to ${max}`;
  throw new RpcError("ERR_INVALID_ARGUMENTS", text);
}

function bounded(text: string): string {
  if (text.length <= TEXT_MAX) return text;
  const what = `the profile has ${text.length} characters, at most ${TEXT_MAX} travel`;
  throw new RpcError("ERR_OVERLOADED", `${what}: take a shorter one, or a longer intervalUs`);
}
