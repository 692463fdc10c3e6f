import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Route } from "@zeroplane/deploy-api";

/** What stands on disk. */
interface Saved {
  readonly version: number;
  readonly routes: readonly Route[];
}

/**
 * Which host goes to which app. Replaced as a whole, never changed in place; the last table is kept on
 * disk, so that a router serves at once after a start, with everything else of the platform away.
 */
export class RouteTable {
  readonly #file: string;
  #version = 0;
  #problem: string | undefined;
  #routes: ReadonlyMap<string, Route> = new Map();
  #saving: Promise<void> = Promise.resolve();
  readonly #listeners = new Set<() => void>();

  private constructor(file: string) {
    this.#file = file;
  }

  /**
   * Opens the table kept in a file. An absent file gives an empty table. So does one that is no table:
   * it is renamed to `….bad`, and {@link problem} says so, because a router that does not start helps
   * nobody.
   * @param file where it is kept; its folder is made
   */
  static async open(file: string): Promise<RouteTable> {
    const table = new RouteTable(file);
    await mkdir(dirname(file), { recursive: true });
    const text = await readFile(file, "utf8").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    });
    const saved = text === undefined ? undefined : parse(text);
    if (saved !== undefined) table.#set(saved);
    else if (text !== undefined) {
      await rename(file, `${file}.bad`);
      table.#problem = `${file} was no route table; renamed to ${file}.bad, and begun with an empty one`;
    }
    return table;
  }

  /** What was wrong with the file, one line; undefined when nothing was. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Version of the table in use. 0 before the first one. */
  get version(): number {
    return this.#version;
  }

  /** All routes, in no order. */
  get routes(): readonly Route[] {
    return [...this.#routes.values()];
  }

  /**
   * Puts a new table in place of the old one. Lookups see it at once.
   * @param version its version; routers tell it when they acknowledge
   * @param routes all routes
   * @returns resolves when it is safe on disk; rejects when it could not be written, and is in use
   *   all the same
   */
  async replace(version: number, routes: readonly Route[]): Promise<void> {
    this.#set({ version, routes });
    for (const listener of this.#listeners) listener();
    const saved = this.#saving.then(() => this.#save({ version, routes }));
    this.#saving = saved.catch(() => {});
    await saved;
  }

  /**
   * Calls a function after each replacement.
   * @returns ends that
   */
  onReplaced(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * The route of a host: its own, else the longest `*.` wildcard above it.
   * @param host value of a Host header, port and case do not matter
   */
  lookup(host: string): Route | undefined {
    const name = hostName(host);
    const own = this.#routes.get(name);
    if (own !== undefined) return own;
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
      const wildcard = this.#routes.get(`*${name.slice(dot)}`);
      if (wildcard !== undefined) return wildcard;
    }
    return undefined;
  }

  #set({ version, routes }: Saved): void {
    this.#routes = new Map(routes.map((route) => [hostName(route.host), route]));
    this.#version = version;
  }

  /** Written beside, flushed, then renamed: a crash leaves the old table or the new one, whole. */
  async #save(saved: Saved): Promise<void> {
    const temporary = `${this.#file}.new`;
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(JSON.stringify(saved));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, this.#file);
    const folder = await open(dirname(this.#file));
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

/**
 * The name in a Host header: lower case, without port and final dot.
 * @param host the header's value
 */
export function hostName(host: string): string {
  const name = host.startsWith("[") ? host.replace(/\]:\d+$/, "]") : host.replace(/:\d*$/, "");
  return name.replace(/\.$/, "").toLowerCase();
}

function parse(text: string): Saved | undefined {
  try {
    const { version, routes } = (JSON.parse(text) ?? {}) as Partial<Saved>;
    const isTable = typeof version === "number" && Array.isArray(routes) && routes.every(isRoute);
    return isTable ? { version, routes } : undefined;
  } catch {
    return undefined;
  }
}

function isRoute(value: unknown): value is Route {
  if (typeof value !== "object" || value === null) return false;
  const { host, app, release, instances } = value as Record<string, unknown>;
  const texts = [host, app, release].every((text) => typeof text === "string");
  return texts && Array.isArray(instances) && (instances as unknown[]).every(isInstance);
}

function isInstance(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { id, host, port } = value as Record<string, unknown>;
  return typeof id === "string" && typeof host === "string" && Number.isInteger(port);
}
