import { isLocal, type Listener, sockets } from "@zeroplane/link";
import { currentCall, RpcError } from "@zeroplane/rpc";
import type { Tracing } from "@zeroplane/tracing";

import { CallMeter, type MethodStats } from "./call-meter.ts";
import { type CallFilter, type TappedCall, tapCalls } from "./call-tap.ts";
import { type ProfileOptions, Profiler } from "./profiler.ts";

/** What a process says of itself. */
export interface ProcessStats {
  readonly service: string;
  readonly node: string;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly memoryBytes: number;
  readonly cpuMs: number;
  /** Share of time the event loop was busy since the start, 0 to 1. */
  readonly loopBusy: number;
  readonly sessions: number;
  readonly spans: { readonly exported: number; readonly dropped: number };
}

/** What the introspection service is about. */
export interface ProcessFacts {
  readonly service: string;
  readonly node: string;
  readonly listener: () => Listener | undefined;
  readonly tracing: Tracing | undefined;
  /** Checks of health, by name; each throws when something is wrong. */
  readonly checks: ReadonlyMap<string, () => void | Promise<void>>;
}

/** What every process of the platform answers about itself, under `process.`. */
export class ProcessInfo {
  readonly #facts: ProcessFacts;
  readonly #meter = new CallMeter();
  readonly #profiler: Profiler;

  constructor(facts: ProcessFacts) {
    this.#facts = facts;
    this.#profiler = new Profiler(facts, facts.tracing);
  }

  /** Answers at once: the process is there and its loop is not blocked. */
  ping(): string {
    return `${this.#facts.service} ${this.#facts.node}`;
  }

  /**
   * Runs the checks of this process.
   * @returns the names of those that passed
   * @throws the first one that did not
   */
  async health(): Promise<string[]> {
    const passed: string[] = [];
    for (const [name, check] of this.#facts.checks) {
      await check();
      passed.push(name);
    }
    return passed;
  }

  /** Memory, time, sessions and spans of this process. */
  stats(): ProcessStats {
    const { service, node, listener, tracing } = this.#facts;
    const { user, system } = process.cpuUsage();
    return {
      service,
      node,
      pid: process.pid,
      uptimeMs: Math.round(process.uptime() * 1_000),
      memoryBytes: process.memoryUsage.rss(),
      cpuMs: Math.round((user + system) / 1_000),
      loopBusy: performance.eventLoopUtilization().utilization,
      sessions: listener()?.stats().sessions ?? 0,
      spans: tracing?.stats() ?? { exported: 0, dropped: 0 },
    };
  }

  /** Every ZeroMQ socket, and every session with its state, credits and losses. */
  sockets(): { sockets: object[]; sessions: object[] } {
    const sessions = this.#facts.listener()?.sessions() ?? [];
    return {
      sockets: sockets(),
      sessions: sessions.map((session) => ({ peer: session.peer.node, ...session.stats() })),
    };
  }

  /**
   * Every method that was called since somebody began to ask: how often, how long, how many failed.
   * Counting begins with the first question, and ends 30 s after the last one.
   */
  calls(): MethodStats[] {
    return this.#meter.read();
  }

  /**
   * The calls of this process, as they end. A reader that is slow loses some, and is told how many.
   * @param filter which calls, and the share of them that is shown
   * @throws when the caller has proved no key and others than this machine can connect
   */
  tap(filter: CallFilter = {}): AsyncGenerator<TappedCall, void, undefined> {
    this.#refuseStrangers("calls are shown only to");
    return tapCalls(filter);
  }

  /**
   * Profiles the CPU of this process, one profile at a time; it starts with a stall of some 30 ms, and costs a few percent.
   * @param options `ms`: how long, at most 30 000 (default 5 000)
   * @returns a `.cpuprofile` as text, for any profile viewer; the spans that were open meanwhile are under `zeroplane`
   * @throws when the caller has proved no key and others than this machine can connect
   */
  async profile(options: ProfileOptions = {}): Promise<string> {
    this.#refuseStrangers("a profile is taken only for");
    return this.#profiler.take(options);
  }

  #refuseStrangers(what: string): void {
    const endpoint = this.#facts.listener()?.endpoint ?? "";
    if (currentCall()?.peer.key !== undefined || isLocal(endpoint)) return;
    const text = `${what} peers with a key, or on this machine alone`;
    throw new RpcError("ERR_FORBIDDEN", text);
  }
}
