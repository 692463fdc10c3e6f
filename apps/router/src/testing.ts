import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Route } from "@zeroplane/deploy-api";
import { Proxy, type ProxyOptions } from "./proxy.ts";
import { RouteTable } from "./table.ts";

/** A proxy with a table of its own, in front of whatever the test puts into it. */
export class TestRouter implements AsyncDisposable {
  readonly proxy: Proxy;
  readonly table: RouteTable;
  readonly port: number;
  readonly #folder: string;

  private constructor(proxy: Proxy, table: RouteTable, port: number, folder: string) {
    this.proxy = proxy;
    this.table = table;
    this.port = port;
    this.#folder = folder;
  }

  static async start(options: Partial<ProxyOptions> = {}): Promise<TestRouter> {
    const folder = await mkdtemp(join(tmpdir(), "zeroplane-router-"));
    const table = await RouteTable.open(join(folder, "routes.json"));
    const proxy = new Proxy({ table, drainMs: 200, ...options });
    return new TestRouter(proxy, table, await proxy.listen(0), folder);
  }

  /** Puts one route into the table: app.test goes to these ports. */
  async route(...ports: readonly number[]): Promise<void> {
    await this.table.replace(this.table.version + 1, [routeTo("app.test", ports)]);
  }

  /** One request on a connection of its own. */
  async ask(path: string, options: AskOptions = {}): Promise<Answer> {
    const { host = "app.test", method = "GET", headers = {}, body } = options;
    const sent = request({
      port: this.port,
      path,
      method,
      headers: { Host: host, ...headers },
      agent: false,
    });
    sent.end(body);
    const [response] = await once(sent, "response");
    let text = "";
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode, headers: response.headers, text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface AskOptions {
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A route whose instances are named by their ports. */
export function routeTo(host: string, ports: readonly number[]): Route {
  const instances = ports.map((port) => ({ id: `i${port}`, host: "127.0.0.1", port }));
  return { host, app: "shop", release: "r1", instances };
}

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A real HTTP server as an instance of an app. */
export class TestApp implements AsyncDisposable {
  readonly server: Server;
  readonly port: number;

  private constructor(server: Server, port: number) {
    this.server = server;
    this.port = port;
  }

  static async start(listener: Listener, port = 0): Promise<TestApp> {
    const server = createServer((request, response) => void listener(request, response));
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return new TestApp(server, (server.address() as AddressInfo).port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, "close");
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

/** A port of this host where nobody listens. */
export async function deadPort(): Promise<number> {
  await using app = await TestApp.start(() => {});
  return app.port;
}

/** Waits until `check` holds. @throws Error when it does not within 10 s */
export async function until(check: () => boolean): Promise<void> {
  const endMs = Date.now() + 10_000;
  while (!check()) {
    if (Date.now() > endMs) throw new Error("what the test waits for did not happen within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
