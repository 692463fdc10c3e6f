import type { Description } from "@zeroplane/introspect";
import { nearest } from "@zeroplane/introspect/nearest";
import type { CallOptions, Connected } from "@zeroplane/rpc";
import type { Dialect } from "@zeroplane/rpc/client";
import type { Target } from "../access.ts";
import { CliError, usage } from "../cli-error.ts";
import type { Context, PlatformOptions } from "../context.ts";
import type { Location } from "../platform/locate.ts";
import { type Greeting, knock } from "./knock.ts";
import { RunningServices } from "./running.ts";

/** Options of every command that talks to one service. */
export interface RemoteOptions extends PlatformOptions {
  /** Whose keys the endpoint has. */
  readonly service?: string;
  /** Seconds to wait. */
  readonly timeout: number;
}

const SECOND_MS = 1_000;
/** Longest wait for the first word of whoever is there. */
const KNOCK_MAX_MS = 5_000;
/** Who waits at a terminal would rather know soon that a service is gone. */
const RESUME_MS = 2_000;
const NONE: Location = { api: "", nodes: [], label: "" };

/** A service to talk to, ours or one that speaks zerorpc. */
export class Remote implements AsyncDisposable {
  readonly target: Target;
  readonly dialect: Dialect;
  readonly client: Connected<object>;
  readonly #close: () => PromiseLike<void>;
  #description: Promise<Description> | undefined;

  /** Use {@link openRemote}. */
  constructor(parts: {
    readonly target: Target;
    readonly dialect: Dialect;
    readonly client: Connected<object>;
    readonly close: () => PromiseLike<void>;
  }) {
    this.target = parts.target;
    this.dialect = parts.dialect;
    this.client = parts.client;
    this.#close = parts.close;
  }

  /** Calls a method by name. */
  async call(
    method: string,
    args: readonly unknown[],
    options: CallOptions = {},
  ): Promise<unknown> {
    const { callMethod } = await import("@zeroplane/rpc/client");
    return callMethod(this.client.with(options), method, args);
  }

  /** What it offers: in its author's words, or in what zerorpc tells. */
  describe(): Promise<Description> {
    this.#description ??= this.#ask();
    return this.#description;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #ask(): Promise<Description> {
    if (this.dialect === "zp1") return (await this.call("_describe", [])) as Description;
    const { describeForeign } = await import("./foreign-description.ts");
    return describeForeign((method, args) => this.call(method, args));
  }
}

/** The processes that may be called by name here: of the platform, and those of `zp serve`. */
export function namesHere(options: PlatformOptions, context: Context): Target[] {
  const own = new RunningServices(context.env).list();
  const nodes = platformOf(options, context)?.nodes ?? [];
  return [
    ...nodes.map(({ node, service, endpoint }) => ({ name: node, service, endpoint })),
    ...own.map(({ name, endpoint, service }) => ({ name, endpoint, service })),
  ];
}

/**
 * Opens the way to a service.
 * @param word its endpoint, or the name of a process that runs here
 * @throws CliError ERR_CLI_USAGE, ERR_CLI_NOBODY, ERR_CLI_PROTOCOL, ERR_CLI_KEYS
 */
export async function openRemote(
  word: string,
  options: RemoteOptions,
  context: Context,
): Promise<Remote> {
  const location = platformOf(options, context);
  const target = targetOf(word, options, context);
  const timeoutMs = options.timeout * SECOND_MS;
  const { parseEndpoint } = await import("@zeroplane/link");
  parseEndpoint(target.endpoint);
  // Whoever is there needs a moment: what is needed then is loaded meanwhile.
  void libraries();
  const greeting = await knock(target.endpoint, Math.min(timeoutMs, KNOCK_MAX_MS));
  const keys = location?.keys ?? (context.env["ZP_KEYS"] || undefined);
  if (target.service !== undefined && keys !== undefined) {
    const { Access } = await import("../access.ts");
    const access = new Access({ ...(location ?? NONE), keys });
    const client = access.connect<object>(target, { timeoutMs });
    const close = (): Promise<void> => access[Symbol.asyncDispose]();
    return new Remote({ target, dialect: "zp1", client, close });
  }
  return openStranger(target, { timeoutMs, greeting });
}

async function openStranger(
  target: Target,
  { timeoutMs, greeting }: { timeoutMs: number; greeting: Greeting | undefined },
): Promise<Remote> {
  const { endpoint } = target;
  if (greeting?.mechanism === "CURVE") {
    const hint = "say whose they are with --service NAME, and where with ZP_KEYS or --data";
    throw new CliError("ERR_CLI_KEYS", `${endpoint} is open only to those with keys; ${hint}`);
  }
  const [{ dial }, { connect, probe }] = await libraries();
  const dialect = await asked(
    probe(endpoint, { signal: AbortSignal.timeout(timeoutMs) }),
    endpoint,
  );
  const node = `zp-${process.pid}`;
  if (dialect === "zp1") {
    const session = dial(endpoint, { node, resumeMs: RESUME_MS });
    const client = connect<object>(session, { timeoutMs });
    return new Remote({ target, dialect, client, close: () => session.close() });
  }
  const client = connect<object>(endpoint, { timeoutMs, dialect });
  const close = (): PromiseLike<void> => client[Symbol.asyncDispose]();
  return new Remote({ target, dialect, client, close });
}

const libraries = () => Promise.all([import("@zeroplane/link"), import("@zeroplane/rpc/client")]);

async function asked(dialect: Promise<Dialect>, endpoint: string): Promise<Dialect> {
  try {
    return await dialect;
  } catch (cause) {
    if (!(cause instanceof DOMException)) throw cause;
    const text = `${endpoint} is a ZeroMQ socket, but answers neither our calls nor zerorpc's`;
    throw new CliError("ERR_CLI_PROTOCOL", text, { cause });
  }
}

function platformOf(options: PlatformOptions, context: Context): Location | undefined {
  try {
    return context.locate(options);
  } catch (error) {
    // Who names a platform wants that one.
    if (options.data !== undefined) throw error;
    return undefined;
  }
}

function targetOf(word: string, options: RemoteOptions, context: Context): Target {
  const known = namesHere(options, context);
  const named = word.includes("://")
    ? (known.find(({ endpoint }) => endpoint === word) ?? { endpoint: word, name: word })
    : (known.find(({ name }) => name === word) ?? known.find(({ service }) => service === word));
  if (named !== undefined) return { ...named, service: options.service ?? named.service };
  const names = known.map(({ name }) => name);
  const [near] = nearest(word, names);
  const all = names.length === 0 ? "nothing runs here" : `there are: ${names.join(", ")}`;
  const hint = near === undefined ? all : `did you mean ${near}?`;
  throw usage(`no process ${JSON.stringify(word)}; ${hint}; or write tcp://host:port`);
}
