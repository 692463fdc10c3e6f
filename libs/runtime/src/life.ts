import {
  type DialKeys,
  dial,
  type Interceptor,
  type Listener,
  type ListenKeys,
  listen,
  type Session,
} from "@zeroplane/link";
import { type Feed, openPipe, publishTo } from "@zeroplane/patterns";
import { type CallOptions, type Connected, connect, expose } from "@zeroplane/rpc";
import { startTracing, type Tracing, tracingInterceptor } from "@zeroplane/tracing";
import { type BaseConfig, nodeOf } from "./config.ts";
import { type Identity, readIdentity } from "./identity.ts";
import { LOGS_FEED, type LogLine } from "./log-line.ts";
import { type Logger, makeLogger } from "./logger.ts";
import { ProcessInfo } from "./process-info.ts";

type Disposable = AsyncDisposable | { [Symbol.dispose](): void };

/**
 * What a process has while it lives: configuration, logger, keys, sessions, tracing. Whatever it
 * opens is closed in reverse order at the end.
 */
export class Life<Config extends BaseConfig = BaseConfig> implements AsyncDisposable {
  readonly service: string;
  readonly node: string;
  readonly config: Config;
  readonly log: Logger;
  /** Aborted when the process is asked to stop. */
  readonly signal: AbortSignal;
  /** The feed of log lines, for those who have lines of others to pass on. */
  readonly lines: Feed<LogLine> | undefined;
  readonly interceptors: readonly Interceptor[];
  readonly #identity: Identity;
  readonly #stack = new AsyncDisposableStack();
  readonly #sessions = new Map<string, Session>();
  readonly #checks = new Map<string, () => void | Promise<void>>();
  readonly #tracing: Tracing | undefined;
  #listener: Listener | undefined;

  /** Use {@link run}, or this one in tests. */
  constructor(service: string, config: Config, signal: AbortSignal) {
    this.service = service;
    this.config = config;
    this.signal = signal;
    this.node = nodeOf(service, config.ZP_NODE);
    this.#identity = readIdentity(service, config.ZP_KEYS);
    this.#tracing = this.#startTracing();
    this.interceptors = this.#tracing === undefined ? [] : [tracingInterceptor];
    this.lines = this.#openLines();
    const { service: name, node, lines: feed } = this;
    this.log = makeLogger({ service: name, node, level: config.ZP_LOG_LEVEL, feed });
  }

  /** Keys for a socket this process binds. */
  get listenKeys(): ListenKeys | undefined {
    return this.#identity.listen;
  }

  /** Keys for a socket that dials `service`. */
  dialKeys(service: string): DialKeys | undefined {
    return this.#identity.dial(service);
  }

  /** Closes `resource` at the end, before whatever was opened before it. */
  use<T extends Disposable>(resource: T): T {
    this.#stack.use(resource as AsyncDisposable);
    return resource;
  }

  /** Adds a check that health reports. */
  check(name: string, check: () => void | Promise<void>): void {
    this.#checks.set(name, check);
  }

  /**
   * The listener of this process, on which other verbs can be offered before `serve`, with which it
   * begins to answer.
   * @throws LinkError when the endpoint is in use, or would be open to others without keys
   */
  async listener(): Promise<Listener> {
    if (this.#listener !== undefined) return this.#listener;
    const { ZP_BIND: bind, ZP_INSECURE: insecure } = this.config;
    const { node, listenKeys: keys } = this;
    this.#listener = this.use(await listen(bind, { node, keys, insecure, held: true }));
    return this.#listener;
  }

  /**
   * Exposes `services` under their names, and this process itself as `process`.
   * @returns where they can be called
   */
  async serve(services: Readonly<Record<string, object>>): Promise<string> {
    const listener = await this.listener();
    const { service, node } = this;
    const facts = { service, node, listener: () => this.#listener, tracing: this.#tracing };
    const info = new ProcessInfo({ ...facts, checks: this.#checks });
    const { interceptors } = this;
    const options = { name: service, node, interceptors };
    this.use(expose({ ...services, process: info }, listener, options));
    listener.open();
    this.log.info({ endpoint: listener.endpoint }, "ready");
    return listener.endpoint;
  }

  /** The one session of this process with `service` at `endpoint`, for every verb. */
  session(service: string, endpoint: string): Session {
    const known = this.#sessions.get(endpoint);
    if (known !== undefined && known.state !== "closed") return known;
    const session = this.use(dial(endpoint, { node: this.node, keys: this.dialKeys(service) }));
    this.#sessions.set(endpoint, session);
    return session;
  }

  /** A typed client of `service` at `endpoint`. */
  connect<T extends object>(
    service: string,
    endpoint: string,
    options: CallOptions = {},
  ): Connected<T> {
    const { interceptors } = this;
    const about = { ...options, interceptors, name: service };
    return connect<T>(this.session(service, endpoint), about);
  }

  /** Closes everything in reverse order. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #startTracing(): Tracing | undefined {
    const { ZP_TRACES: endpoint, ZP_SPOOL: spool } = this.config;
    if (endpoint === undefined) return undefined;
    const { service, node } = this;
    const pipe = this.use(openPipe(endpoint, { node, keys: this.dialKeys("trace-collector") }));
    return this.use(startTracing({ service, node, sink: pipe, spool }));
  }

  #openLines(): Feed<LogLine> | undefined {
    const { ZP_LOGS: endpoint } = this.config;
    if (endpoint === undefined) return undefined;
    const session = this.session("log-hub", endpoint);
    const { node } = this;
    return this.use(
      publishTo<LogLine>(session, LOGS_FEED, { node, keys: this.dialKeys("log-hub") }),
    );
  }
}
