import type { Session } from "node:inspector";
import { createRequire } from "node:module";
import { Probe, type Script } from "./probe.ts";
import { standsAt, WrittenFiles } from "./written-files.ts";

/** Where a function begins: at its `(`, at `async` or the first parameter of an arrow, at `class`. */
export interface Location {
  script: Script;
  /** Counted from 0. */
  line: number;
  /** In UTF-16 code units, counted from 0. */
  column: number;
}

type Inspector = { Session: new () => Session };

const known = new WeakMap<object, Location | null>();

/**
 * Where functions and classes are written, by the engine's own inspector. One session serves the
 * whole batch and is closed before the call returns; nothing of the functions is run, and answers
 * are kept for as long as the function lives. Native functions, and any function in a process
 * without an inspector, are absent.
 */
export function locate(functions: Iterable<object>): Map<object, Location> {
  const wanted = [...new Set(functions)];
  const missing = wanted.filter((fn) => !known.has(fn));
  if (missing.length > 0) {
    for (const fn of missing) known.set(fn, null);
    withSession((session) => {
      for (const [fn, location] of locateAll(session, missing)) known.set(fn, location);
    });
  }
  const found = new Map<object, Location>();
  for (const fn of wanted) {
    const location = known.get(fn);
    if (location) found.set(fn, location);
  }
  return found;
}

/**
 * The functions that variables of closures hold, by the function whose closure it is. Nothing is
 * run; a variable that is not there, or holds no function, is absent.
 */
export function captured(names: Map<object, string>): Map<object, object> {
  const found = new Map<object, object>();
  withSession((session) => {
    const probe = new Probe(session);
    for (const [fn, value] of probe.captured(names)) found.set(fn, value);
  });
  return found;
}

/**
 * In two steps, since to enable the debugger costs a hash of every script in the process, that of
 * the type stripper's megabytes too. A function that stands in its file just as it runs needs only
 * the name of that file; the debugger is asked about the others.
 */
function locateAll(session: Session, functions: object[]): Map<object, Location> {
  const probe = new Probe(session);
  const files = new WrittenFiles();
  const found = new Map<object, Location>();
  const positions = probe.positions(functions);
  const urls = positions.size > 0 ? probe.urls() : new Map<string, string>();
  for (const [fn, { scriptId, lineNumber: line, columnNumber: column }] of positions) {
    const script = files.script(urls.get(scriptId));
    if (script && standsAt(fn, script.text, { line, column })) {
      found.set(fn, { script, line, column });
      positions.delete(fn);
    }
  }
  if (positions.size > 0) probe.enableDebugger();
  for (const [fn, { scriptId, lineNumber: line, columnNumber: column }] of positions) {
    const script = probe.script(scriptId);
    if (script) found.set(fn, { script, line, column });
  }
  return found;
}

function withSession(use: (session: Session) => void): void {
  let session: Session;
  try {
    // Loaded here, since a Node built without an inspector cannot load it at all.
    const inspector = createRequire(import.meta.url)("node:inspector") as Inspector;
    session = new inspector.Session();
    session.connect();
  } catch {
    return; // no inspector, or no permission for it: functions then speak for themselves
  }
  try {
    use(session);
  } finally {
    session.disconnect(); // disables the debugger of this session, and of this session only
  }
}
