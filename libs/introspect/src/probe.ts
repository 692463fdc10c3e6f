import type { Session } from "node:inspector";
import { pathOf } from "./written-files.ts";

/** A script the engine holds. */
export interface Script {
  /** `file:`, `node:`, a path, or whatever named it. */
  url: string;
  /** Absolute path, when the script came from a file; the file may be gone. */
  path: string | undefined;
  /** What runs, or the file it was made of where that makes no difference. */
  text: string;
  sourceMapUrl: string;
}

/** Where a function begins: at its `(`, at the start of an arrow or a class. Counted from 0. */
export interface Position {
  scriptId: string;
  lineNumber: number;
  columnNumber: number;
}

interface RemoteObject {
  type?: string;
  description?: string;
  objectId?: string;
  value?: unknown;
}
interface Property {
  name: string;
  value?: RemoteObject;
}
interface ParsedScript {
  url: string;
  sourceMapURL?: string | undefined;
}

const HANDLE = "zeroplane.introspect.functions";
/** Most `bind` calls looked through. */
const BINDS_MAX = 4;

/** Most scopes around a function that are looked through. */
const SCOPES_MAX = 8;

/** Asks the inspector of this thread, which answers at once, so there is nothing to wait for. */
export class Probe {
  readonly #session: Session;
  readonly #parsed = new Map<string, ParsedScript>();
  readonly #scripts = new Map<string, Script>();
  readonly #contexts: number[] = [];

  /** @param session connected; whoever connected it disconnects it */
  constructor(session: Session) {
    this.#session = session;
    session.on("Debugger.scriptParsed", ({ params }) => {
      this.#parsed.set(params.scriptId, params);
    });
    session.on("Runtime.executionContextCreated", ({ params }) => {
      this.#contexts.push(params.context.id);
    });
  }

  /** Positions of the functions; native ones are absent. */
  positions(functions: object[]): Map<object, Position> {
    const found = new Map<object, Position>();
    for (const { name, value } of this.#handles(functions)) {
      const fn = functions[Number(name)];
      const position = value?.objectId && this.#position(value.objectId, BINDS_MAX);
      if (fn && position) found.set(fn, position);
    }
    this.#post("Runtime.releaseObjectGroup", { objectGroup: HANDLE });
    return found;
  }

  /** The functions that the closures of some functions hold under a name. */
  captured(names: Map<object, string>): Map<object, object> {
    const functions = [...names.keys()];
    const taken: { of: object; objectId: string }[] = [];
    for (const { name, value } of this.#handles(functions)) {
      const of = functions[Number(name)];
      const objectId = of && value?.objectId && this.#variable(value.objectId, names.get(of) ?? "");
      if (of && objectId) taken.push({ of, objectId });
    }
    const values = taken.map(({ objectId }) => this.#value(objectId));
    this.#post("Runtime.releaseObjectGroup", { objectGroup: HANDLE });
    return new Map(
      taken.flatMap(({ of }, at) => {
        const value = values[at];
        return typeof value === "function" ? [[of, value] as const] : [];
      }),
    );
  }

  /**
   * Names of the scripts that ran, by id. The profiler knows them without being enabled, and must
   * not be: to disable it would end the coverage of somebody else.
   */
  urls(): Map<string, string> {
    const answer = this.#post<{ result: { scriptId: string; url: string }[] }>(
      "Profiler.getBestEffortCoverage",
      {},
    );
    return new Map(answer?.result.map(({ scriptId, url }) => [scriptId, url]));
  }

  /** Learns of every script; disconnecting the session disables the debugger again. */
  enableDebugger(): void {
    this.#post("Debugger.enable", {});
    this.#post("Debugger.setSkipAllPauses", { skip: true });
  }

  /** A script by its id, once the debugger is enabled. */
  script(scriptId: string): Script | undefined {
    const held = this.#scripts.get(scriptId);
    const parsed = this.#parsed.get(scriptId);
    if (held || !parsed) return held;
    const answer = this.#post<{ scriptSource: string }>("Debugger.getScriptSource", { scriptId });
    if (!answer) return undefined;
    const { url, sourceMapURL: sourceMapUrl = "" } = parsed;
    const script: Script = { url, path: pathOf(url), text: answer.scriptSource, sourceMapUrl };
    this.#scripts.set(scriptId, script);
    return script;
  }

  /** The functions as the inspector sees them: through a global that lives for one evaluation. */
  #handles(functions: object[]): Property[] {
    const key = Symbol.for(HANDLE);
    const globals = globalThis as unknown as Record<symbol, object[] | undefined>;
    globals[key] = functions;
    try {
      const expression = `globalThis[Symbol.for(${JSON.stringify(HANDLE)})]`;
      let handle = this.#evaluate(expression);
      if (!handle) {
        this.#post("Runtime.enable", {}); // a worker of a test runner may live in another context
        for (const contextId of this.#contexts) handle ??= this.#evaluate(expression, contextId);
      }
      return handle ? this.#properties(handle).result : [];
    } finally {
      delete globals[key];
    }
  }

  #evaluate(expression: string, contextId?: number): string | undefined {
    const context = contextId === undefined ? {} : { contextId };
    const params = { expression, objectGroup: HANDLE, silent: true, ...context };
    return this.#post<{ result: RemoteObject }>("Runtime.evaluate", params)?.result.objectId;
  }

  #properties(objectId: string): { result: Property[]; internalProperties?: Property[] } {
    const params = { objectId, ownProperties: true };
    const answer = this.#post<{ result: Property[] }>("Runtime.getProperties", params);
    return answer ?? { result: [] };
  }

  #position(objectId: string, binds: number): Position | undefined {
    const internals = this.#properties(objectId).internalProperties ?? [];
    const find = (name: string) => internals.find((property) => property.name === name)?.value;
    const position = find("[[FunctionLocation]]")?.value;
    if (isPosition(position)) return position;
    const target = find("[[TargetFunction]]")?.objectId;
    return target && binds > 0 ? this.#position(target, binds - 1) : undefined;
  }

  /** A variable around a function that holds a function, innermost first; globals do not count. */
  #variable(objectId: string, name: string): string | undefined {
    const internals = this.#properties(objectId).internalProperties ?? [];
    const scopes = internals.find((property) => property.name === "[[Scopes]]")?.value?.objectId;
    const list = scopes === undefined ? [] : this.#properties(scopes).result;
    for (const { value: scope } of list.slice(0, SCOPES_MAX)) {
      if (!scope?.objectId || scope.description === "Global") continue;
      const variables = this.#properties(scope.objectId).result;
      const held = variables.find((variable) => variable.name === name)?.value;
      if (held) return held.type === "function" ? held.objectId : undefined;
    }
    return undefined;
  }

  /** The value behind a handle, handed over through a global by a function of ours. */
  #value(objectId: string): unknown {
    const key = Symbol.for(HANDLE);
    const globals = globalThis as unknown as Record<symbol, unknown>;
    const hand = `function () { globalThis[Symbol.for(${JSON.stringify(HANDLE)})] = this; }`;
    this.#post("Runtime.callFunctionOn", { objectId, functionDeclaration: hand, silent: true });
    const value = globals[key];
    delete globals[key];
    return value;
  }

  #post<T>(method: string, params: object): T | undefined {
    let answer: T | undefined;
    this.#session.post(method, params, (error, result) => {
      if (!error) answer = result as T;
    });
    return answer;
  }
}

function isPosition(value: unknown): value is Position {
  return typeof value === "object" && value !== null && "scriptId" in value;
}
