import type { DeployApi } from "@zeroplane/deploy-api";
import type { LogHub } from "@zeroplane/log-hub";
import type { CallOptions, Connected } from "@zeroplane/rpc";
import { BaseConfig, Life, readConfig } from "@zeroplane/runtime";
import type { TraceCollector } from "@zeroplane/trace-collector";
import { CliError, usage } from "./cli-error.ts";
import type { Location } from "./platform/locate.ts";

/** A process to talk to. */
export interface Target {
  readonly endpoint: string;
  /** Whose keys it has; `undefined` when it is a stranger without any. */
  readonly service?: string | undefined;
  readonly name: string;
}

const READY_MS = 5_000;

/** A platform, as `zp` talks to it: connections that are made when they are needed. */
export class Access implements AsyncDisposable {
  readonly location: Location;
  readonly #life: Life;

  /** @param options `traced`: this command is the root of a trace */
  constructor(location: Location, options: { readonly traced?: boolean } = {}) {
    this.location = location;
    const traces = options.traced === true ? location.pipe : undefined;
    const env = { ZP_NODE: `cli-${process.pid}`, ZP_KEYS: location.keys, ZP_TRACES: traces };
    const config = readConfig(BaseConfig, env);
    this.#life = new Life("cli", config, new AbortController().signal);
  }

  /** The deploy API. @throws CliError ERR_CLI_NO_PLATFORM when it does not answer within 5 s */
  async api(): Promise<Connected<DeployApi>> {
    return this.#connect<DeployApi>("deploy-api", this.location.api);
  }

  /** The log hub. @throws CliError ERR_CLI_NO_PLATFORM as `api` does */
  async logHub(options?: CallOptions): Promise<Connected<LogHub>> {
    const hint = "set ZP_LOG_QUERIES";
    return this.#connect<LogHub>("log-hub", known(this.location.logs, "log hub", hint), options);
  }

  /** The trace collector. @throws CliError ERR_CLI_NO_PLATFORM as `api` does */
  async traceCollector(): Promise<Connected<TraceCollector>> {
    const endpoint = known(this.location.traces, "trace collector", "set ZP_TRACE_QUERIES");
    return this.#connect<TraceCollector>("trace-collector", endpoint);
  }

  /** Any process. A stranger is told from one that is only slow by the calls. */
  connect<T extends object>({ endpoint, service }: Target, options?: CallOptions): Connected<T> {
    return this.#life.connect<T>(service ?? "", endpoint, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life[Symbol.asyncDispose]();
  }

  async #connect<T extends object>(
    service: string,
    endpoint: string,
    options?: CallOptions,
  ): Promise<Connected<T>> {
    const session = this.#life.session(service, endpoint);
    try {
      await session.ready(READY_MS);
    } catch (cause) {
      const hint = "is it running, and are these its keys (ZP_KEYS)?";
      const text = `the ${service} of ${this.location.label} does not answer at ${endpoint}; ${hint}`;
      throw new CliError("ERR_CLI_NO_PLATFORM", text, { cause });
    }
    return this.#life.connect<T>(service, endpoint, options);
  }
}

function known(endpoint: string | undefined, what: string, hint: string): string {
  if (endpoint !== undefined) return endpoint;
  throw usage(`where the ${what} is was not said; ${hint}`);
}
