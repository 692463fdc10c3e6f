import { type FSWatcher, watch } from "node:fs";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { members } from "@zeroplane/introspect";
import { type Listener, type ListenKeys, listen, nodeName, type Session } from "@zeroplane/link";
import { expose, type Server } from "@zeroplane/rpc";
import {
  type Puller,
  servePuller,
  serveSubscriber,
  serveWorker,
  type Worker,
} from "@zeroplane/rpc/zerorpc";
import { type CallFilter, ProcessInfo, type ProfileOptions } from "@zeroplane/runtime/process";
import { usage } from "../cli-error.ts";
import type { ModuleLoader, ModuleTarget } from "./module-target.ts";

/** Where a module is served. */
export interface ServingOptions {
  readonly bind: readonly string[];
  readonly connect: readonly string[];
  readonly pull?: string;
  readonly sub?: string;
  readonly name?: string;
  readonly heartbeatMs: number;
  /** Lets in only trusted keys. */
  readonly keys: ListenKeys | undefined;
  /** Allows other hosts without keys. */
  readonly insecure: boolean;
  /** Called with what a method that nobody waits for has thrown. */
  readonly onError: (error: unknown, method: string) => void;
}

const DEBOUNCE_MS = 100;
/** How long calls that run while a module is loaded again may go on with what was loaded before. */
const FINISH_MS = 10_000;
/** How long they may go on when this command ends. */
const DRAIN_MS = 500;
const POLL_MS = 20;

/** A module on its endpoints, which stay when the module is loaded again. */
export class Serving implements AsyncDisposable {
  readonly #options: ServingOptions;
  readonly #listeners: Listener[] = [];
  readonly #retiring = new Set<Promise<void>>();
  #servers: Server[] = [];
  #others: (Puller | Worker)[] = [];
  #name = "";
  #methods = 0;

  constructor(options: ServingOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#name;
  }

  /** Where it is reached. */
  get endpoints(): string[] {
    const own = this.#listeners.map(({ endpoint }) => endpoint);
    return [...own, ...this.#others.flatMap(({ endpoints }) => endpoints)];
  }

  /** Methods that can be called. */
  get methods(): number {
    return this.#methods;
  }

  /** Binds the endpoints, once. */
  async open(): Promise<void> {
    const { bind, keys, insecure } = this.#options;
    for (const each of bind) this.#listeners.push(await listen(each, { keys, insecure }));
  }

  /** Serves `found` in place of what was served, whose calls may still end. */
  async put({ target, name }: ModuleTarget): Promise<void> {
    const { heartbeatMs } = this.#options;
    this.#name = this.#options.name ?? name;
    this.#methods = members(target).size;
    await Promise.all(this.#others.map((each) => each.close()));
    const before = this.#servers.map((server, at) => {
      return { server, sessions: this.#listeners[at]?.sessions() ?? [] };
    });
    const about = { name: this.#name, zerorpc: { heartbeatMs }, drainMs: FINISH_MS };
    this.#servers = this.#listeners.map((listener) =>
      expose(target, listener, { ...about, questions: questionsAbout(this.#name, listener) }),
    );
    for (const { server, sessions } of before) this.#retire(server, sessions);
    this.#others = await this.#foreign(target);
    for (const { service } of this.#servers) void service.describe();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const calls = [...this.#servers.map((each) => each.close()), ...this.#retiring];
    await Promise.race([Promise.all(calls), sleep(DRAIN_MS, undefined, { ref: false })]);
    await Promise.all(this.#others.map((each) => each.close()));
    await Promise.all(this.#listeners.map((each) => each.close()));
  }

  /** What takes part in zerorpc's other patterns. */
  async #foreign(target: object): Promise<(Puller | Worker)[]> {
    const { heartbeatMs, connect, pull, sub, insecure, onError } = this.#options;
    const events = { name: this.#name, insecure, onError };
    const others: (Puller | Worker)[] = [];
    if (connect.length > 0) {
      others.push(serveWorker(target, { name: this.#name, connect, heartbeatMs }));
    }
    if (pull !== undefined) others.push(await servePuller(target, { ...events, bind: pull }));
    if (sub !== undefined) others.push(await serveSubscriber(target, { ...events, connect: sub }));
    return others;
  }

  #retire(server: Server, sessions: readonly Session[]): void {
    const retired = retire(server, sessions).finally(() => this.#retiring.delete(retired));
    this.#retiring.add(retired);
  }
}

/** Ends each session after its calls, so that who is connected comes back to what is served now. */
async function retire(server: Server, sessions: readonly Session[]): Promise<void> {
  const deadlineMs = performance.now() + FINISH_MS;
  const closed = server.close();
  const end = async (session: Session): Promise<void> => {
    while (server.running(session) > 0 && performance.now() < deadlineMs) await sleep(POLL_MS);
    await session.close();
  };
  await Promise.all([closed, ...sessions.map(end)]);
}

/** What the process tells of itself, beside the module's own methods. */
function questionsAbout(
  service: string,
  listener: Listener,
): Record<string, (...args: never[]) => unknown> {
  const facts = { service, node: nodeName(), listener: () => listener, tracing: undefined };
  const info = new ProcessInfo({ ...facts, checks: new Map() });
  return {
    "_process.ping": () => info.ping(),
    "_process.stats": () => info.stats(),
    "_process.sockets": () => info.sockets(),
    "_process.calls": () => info.calls(),
    "_process.profile": (options: ProfileOptions) => info.profile(options),
    "_process.tap": (filter: CallFilter) => info.tap(filter),
  };
}

/** Calls `changed` after the loaded files have changed, and again after each further change. */
export function watchFiles(loader: ModuleLoader, changed: () => Promise<void>): Disposable {
  let timer: NodeJS.Timeout | undefined;
  let watchers: FSWatcher[] = [];
  const close = (): void => {
    for (const each of watchers) each.close();
  };
  const begin = (): void => {
    close();
    const folders = new Set(loader.files.map((file) => dirname(file)));
    watchers = [...folders].map((folder) =>
      watch(folder, (_event, name) => {
        if (name === null || loader.files.includes(resolve(folder, name))) later();
      }),
    );
  };
  const again = async (): Promise<void> => {
    await changed();
    begin();
  };
  const later = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void again(), DEBOUNCE_MS);
  };
  begin();
  if (watchers.length === 0) throw usage("--watch needs a file: node's own modules do not change");
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      close();
    },
  };
}
