import { existsSync, statSync } from "node:fs";
import { createRequire, isBuiltin, registerHooks } from "node:module";
import { basename, extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isModuleNamespaceObject } from "node:util/types";
import { CliError } from "../cli-error.ts";

/** What is served of a module, and under which name. */
export interface ModuleTarget {
  readonly target: object;
  readonly name: string;
}

const NOT_NAMES = new Set(["default", "module.exports", "__esModule"]);
/** What was loaded cannot be unloaded: all of it stays in memory. */
const LOADS_MAX = 1_000;
const SCRIPT = /\.[cm]?[jt]s$/;

/** Modules of a user, loaded as `zp serve` takes them; again when they have changed. */
export class ModuleLoader implements Disposable {
  readonly #cwd: string;
  readonly #files = new Set<string>();
  readonly #hooks: { deregister(): void };
  #round = 0;

  /** @param cwd from where files and packages are looked for */
  constructor(cwd: string) {
    this.#cwd = cwd;
    const parentURL = pathToFileURL(resolve(cwd, "zp-serve.js")).href;
    this.#hooks = registerHooks({
      resolve: (specifier, context, next) => {
        const wanted = /^zp-target:(.*)$/s.exec(specifier)?.[1];
        if (wanted === undefined) return this.#versioned(next(specifier, context));
        return this.#versioned(next(wanted, { ...context, parentURL }));
      },
    });
  }

  /** Files of the user that were loaded: what to watch. */
  get files(): readonly string[] {
    return [...this.#files];
  }

  /** @throws CliError ERR_CLI_MODULE, ERR_CLI_LOAD */
  async load(word: string): Promise<ModuleTarget> {
    const specifier = this.#specifierOf(word);
    if (this.#round >= LOADS_MAX) {
      const text = `${word} was loaded ${LOADS_MAX} times, and each stays in memory`;
      throw new CliError("ERR_CLI_LOAD", `${text}; start zp serve anew`);
    }
    forget(this.#files, this.#round);
    this.#round++;
    let exported: object;
    try {
      exported = (await import(`zp-target:${specifier}`)) as object;
    } catch (cause) {
      throw loadError(word, cause);
    }
    return targetOf(word, exported);
  }

  [Symbol.dispose](): void {
    this.#hooks.deregister();
  }

  #specifierOf(word: string): string {
    if (isBuiltin(word)) return word;
    const file = resolve(this.#cwd, word);
    const about = statSync(file, { throwIfNoEntry: false });
    if (about?.isFile()) return pathToFileURL(file).href;
    const isPath = /^(\.{1,2}\/|\/|file:)/.test(word) || SCRIPT.test(word);
    if (about?.isDirectory() && isPath) {
      const index = ["index.ts", "index.js", "index.mjs"].find((name) =>
        existsSync(resolve(file, name)),
      );
      if (existsSync(resolve(file, "package.json"))) {
        return pathToFileURL(createRequire(resolve(file, "x.js")).resolve(file)).href;
      }
      if (index !== undefined) return pathToFileURL(resolve(file, index)).href;
    }
    if (!isPath) return word;
    throw new CliError("ERR_CLI_MODULE", `no file ${JSON.stringify(word)} in ${this.#cwd}`);
  }

  /** The user's own files get another address each time they are loaded anew. */
  #versioned<T extends { url: string }>(found: T): T {
    if (!found.url.startsWith("file:") || found.url.includes("/node_modules/")) return found;
    const url = new URL(found.url);
    const isOurs = url.href.startsWith(OURS);
    if (isOurs) return found;
    this.#files.add(fileURLToPath(url));
    if (this.#round > 1) url.search = `zp=${this.#round}`;
    return { ...found, url: url.href };
  }
}

/** Files of this command are not the user's. */
const OURS = new URL("../", import.meta.url).href;

/** CommonJS keeps what it has loaded by file. */
function forget(files: ReadonlySet<string>, round: number): void {
  if (round === 0) return;
  const { cache } = createRequire(import.meta.url);
  for (const file of files) delete cache[file];
}

const isClass = (value: unknown): value is new () => object =>
  typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));

function targetOf(word: string, exported: object): ModuleTarget {
  const names = Object.keys(exported).filter((name) => !NOT_NAMES.has(name));
  const only = (exported as { readonly default?: unknown }).default;
  const fallback = nameOf(word);
  if (only === undefined || names.length > 0) {
    const target = isModuleNamespaceObject(exported) ? exported : Object(exported);
    return offering(word, { target, name: fallback });
  }
  if (isClass(only))
    return offering(word, { target: construct(word, only), name: only.name || fallback });
  if ((typeof only === "object" && only !== null) || typeof only === "function") {
    return offering(word, { target: only, name: fallback });
  }
  throw new CliError(
    "ERR_CLI_MODULE",
    `${word}: its default export is ${typeof only}; nothing to serve`,
  );
}

/** @throws CliError when nothing of it can be called */
function offering(word: string, found: ModuleTarget): ModuleTarget {
  const { target } = found;
  const values = typeof target === "function" ? [target] : allValues(target);
  if (
    values.some(
      (value) => typeof value === "object" || (typeof value === "function" && !isClass(value)),
    )
  )
    return found;
  const classes = values.filter(isClass).map(({ name }) => name);
  const [first] = classes;
  const hint =
    first === undefined
      ? "it exports no function"
      : `make it the only export: export default ${first}`;
  throw new CliError("ERR_CLI_MODULE", `${word} has nothing to serve; ${hint}`);
}

function allValues(target: object): unknown[] {
  const values: unknown[] = [];
  let at: object | null = target;
  while (at !== null && at !== Object.prototype) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (name !== "constructor") values.push(value);
    }
    at = Object.getPrototypeOf(at) as object | null;
  }
  return values.filter((value) => value !== null && value !== undefined);
}

function construct(word: string, Class: new () => object): object {
  try {
    return new Class();
  } catch (cause) {
    const text = `${word}: ${Class.name} cannot be made without arguments: ${messageOf(cause)}`;
    throw new CliError("ERR_CLI_LOAD", text, { cause });
  }
}

/** `node:path` is `path`, `./shop.ts` is `shop`. */
function nameOf(word: string): string {
  if (isBuiltin(word)) return word.replace(/^node:/, "");
  return SCRIPT.test(word)
    ? basename(word, extname(word))
    : word.replace(/^.*\/(?=[^/]+\/?$)/, "").replace(/\/$/, "");
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";

function loadError(word: string, cause: unknown): CliError {
  const { code, name } = (cause ?? {}) as { code?: string; name?: string };
  const missing =
    code === "ERR_MODULE_NOT_FOUND" ||
    code === "MODULE_NOT_FOUND" ||
    code === "ERR_PACKAGE_PATH_NOT_EXPORTED";
  if (missing && messageOf(cause).includes(`'${word}'`)) {
    const hint = "give a file, or a package that is installed here";
    return new CliError("ERR_CLI_MODULE", `no module ${JSON.stringify(word)}; ${hint}`, { cause });
  }
  const isSyntax = name === "SyntaxError" || code === "ERR_INVALID_TYPESCRIPT_SYNTAX";
  const what = isSyntax ? `${word} cannot be parsed` : `${word} fails while it is loaded`;
  const text = `${what}${placeOf(cause)}: ${messageOf(cause)}`;
  return new CliError("ERR_CLI_LOAD", text, { cause });
}

/** Where in the user's files it was. */
function placeOf(cause: unknown): string {
  const stack = cause instanceof Error ? (cause.stack ?? "") : "";
  const [, place] = /(?:file:\/\/|^|\()(\/[^\s()?]+(?:\?zp=\d+)?:\d+)/m.exec(stack) ?? [];
  return place === undefined || place.startsWith(fileURLToPath(OURS))
    ? ""
    : ` at ${place.replace(/\?zp=\d+/, "")}`;
}
