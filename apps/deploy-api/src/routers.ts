import type { Viewer } from "@zeroplane/patterns";
import { currentCall } from "@zeroplane/rpc";
import type { Addresses } from "./apps.ts";

/** A router that is there. */
export interface RouterInfo {
  readonly node: string;
  /** Where it takes requests, as seen from the platform. */
  readonly url: string;
}

/** The routers of this platform: each says where it takes requests. */
export class Routers implements Addresses {
  readonly #urls = new Map<string, string>();
  readonly #viewers: () => readonly Viewer[];
  readonly #domain: string;
  readonly #publicUrl: string | undefined;

  /**
   * @param viewers who views the routes now
   * @param options `domain`: apps are `<app>.<domain>`; `publicUrl`: where users reach a router,
   *   when that is not where the platform reaches it
   */
  constructor(
    viewers: () => readonly Viewer[],
    options: { readonly domain: string; readonly publicUrl?: string | undefined },
  ) {
    this.#viewers = viewers;
    this.#domain = options.domain;
    this.#publicUrl = options.publicUrl;
  }

  /**
   * A router says where it takes requests; it says so again whenever it connects anew.
   * @param url `http://host:port`
   */
  register(url: string): void {
    const node = currentCall()?.peer.node;
    if (node !== undefined) this.#urls.set(node, new URL(url).origin);
  }

  /** Routers that view the routes now and have said where they are. */
  list(): RouterInfo[] {
    const present = new Set(this.#viewers().map(({ node }) => node));
    return [...this.#urls]
      .filter(([node]) => present.has(node))
      .map(([node, url]) => ({ node, url }))
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  hostOf(app: string): string {
    return `${app}.${this.#domain}`;
  }

  urlOf(app: string): string | undefined {
    const base = this.#publicUrl ?? this.list()[0]?.url;
    if (base === undefined) return undefined;
    const { protocol, port } = new URL(base);
    return `${protocol}//${this.hostOf(app)}${port === "" ? "" : `:${port}`}/`;
  }
}
