import { type FSWatcher, watch } from "node:fs";
import { dirname, resolve } from "node:path";
import { members } from "@zeroplane/introspect";
import { type Listener, listen, nodeName } from "@zeroplane/link";
import { expose, type Server } from "@zeroplane/rpc";
import {
  type Puller,
  servePuller,
  serveSubscriber,
  serveWorker,
  type Worker,
} from "@zeroplane/rpc/zerorpc";
import { type CallFilter, ProcessInfo } from "@zeroplane/runtime/process";
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
  /** Called with what a method that nobody waits for has thrown. */
  readonly onError: (error: unknown, method: string) => void;
}

const DEBOUNCE_MS = 100;
const DRAIN_MS = 500;

/** A module on its endpoints, which stay when the module is loaded again. */
export class Serving implements AsyncDisposable {
  readonly #options: ServingOptions;
  readonly #listeners: Listener[] = [];
  #servers: (Server | Puller | Worker)[] = [];
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
    const others = this.#servers.flatMap((each) => ("endpoints" in each ? each.endpoints : []));
    return [...own, ...others];
  }

  /** Methods that can be called. */
  get methods(): number {
    return this.#methods;
  }

  /** Binds the endpoints, once. */
  async open(): Promise<void> {
    for (const endpoint of this.#options.bind) this.#listeners.push(await listen(endpoint));
  }

  /** Serves `found` in place of what was served. */
  async put({ target, name }: ModuleTarget): Promise<void> {
    const { heartbeatMs, connect, pull, sub, onError } = this.#options;
    this.#name = this.#options.name ?? name;
    this.#methods = members(target).size;
    const about = { name: this.#name, zerorpc: { heartbeatMs }, drainMs: DRAIN_MS };
    await Promise.all(this.#servers.map((each) => each.close()));
    // Who is connected comes back by itself, to what is served now.
    for (const session of this.#listeners.flatMap((each) => each.sessions())) session.end();
    this.#servers = this.#listeners.map((listener) =>
      expose(target, listener, { ...about, questions: questionsAbout(this.#name, listener) }),
    );
    const events = { name: this.#name, onError };
    if (connect.length > 0) {
      this.#servers.push(serveWorker(target, { name: this.#name, connect, heartbeatMs }));
    }
    if (pull !== undefined) {
      this.#servers.push(await servePuller(target, { ...events, bind: pull }));
    }
    if (sub !== undefined) {
      this.#servers.push(await serveSubscriber(target, { ...events, connect: sub }));
    }
    for (const each of this.#servers) if ("service" in each) void each.service.describe();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((each) => each.close()));
    await Promise.all(this.#listeners.map((each) => each.close()));
  }
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
