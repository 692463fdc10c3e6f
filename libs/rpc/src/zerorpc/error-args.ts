import { codeOf, framesOf } from "@zeroplane/link";

/** What is to be told of an error. */
export interface ErrorFacts {
  /** What was called. */
  readonly method: string;
  /** Of the request. */
  readonly version: number;
  /** Whether the files and lines of this process are shown. */
  readonly paths: boolean;
}

/** What zerorpc peers know our errors as. */
const NAMES: Readonly<Record<string, string>> = {
  ERR_NO_METHOD: "NameError",
  ERR_INVALID_ARGUMENTS: "TypeError",
  ERR_INVALID_RESULT: "TypeError",
};
const LOCATION = /\s*\(?(?:file:\/\/|[A-Za-z]:\\|\.{0,2}\/)?[^\s()]*:\d+:\d+\)?$/;

/** The arguments of an ERR event: exactly three, or one towards peers of version 1. */
export function errorArgs(error: unknown, facts: ErrorFacts): unknown[] {
  const { name, message } = told(error, facts.method);
  if (facts.version < 2) return [`${name}(${quoted(message)})`];
  return [name, message, traceback(error, `${name}: ${message}`, facts)];
}

function told(error: unknown, method: string): { name: string; message: string } {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const ours = error.name === "RpcError" ? NAMES[codeOf(error) ?? ""] : undefined;
  // Python says no more than the name that is missing, and its callers look at that.
  if (ours === "NameError") return { name: ours, message: method };
  return { name: ours ?? error.name, message: error.message };
}

function traceback(error: unknown, head: string, { method, paths }: ErrorFacts): string {
  const frames = framesOf(error instanceof Error ? error.stack : undefined);
  const shown = paths ? frames : frames.map((frame) => frame.replace(LOCATION, "")).filter(isNamed);
  const lines = shown.map((frame) => `    ${frame}`);
  return [`Traceback of ${method}:`, ...lines, head, ""].join("\n");
}

const isNamed = (frame: string): boolean => frame !== "at" && frame !== "";

/** Text as Python writes it in its source. */
export function quoted(text: string): string {
  const escaped = text.replace(/[\\\n\r\t]/g, (char) => ESCAPES[char] ?? char);
  if (text.includes("'") && !text.includes('"')) return `"${escaped}"`;
  return `'${escaped.replaceAll("'", "\\'")}'`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};
