import { codeOf } from "./errors.ts";

/** One process that an error came through. */
export interface Hop {
  /** Name of the service, and what of it was called. */
  readonly service: string;
  readonly method: string;
  /** Name of the process. */
  readonly node: string;
  /** How long it took there until the error, milliseconds. */
  readonly ms: number;
  /** Stack frames of that process, nearest first, library frames folded. */
  readonly frames: readonly string[];
}

/** An error as it travels: plain data, bounded in size. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly retryable?: boolean;
  /** What the error carried in its own property `data`. */
  readonly data?: unknown;
  readonly cause?: WireError;
  /** Members of an AggregateError. */
  readonly errors?: readonly WireError[];
  /** The first one is where it began. */
  readonly hops: readonly Hop[];
  /** W3C trace id, when the call was traced. */
  readonly traceId?: string;
}

const FRAMES_MAX = 20;
const HOPS_MAX = 32;
const CAUSES_MAX = 8;
const MESSAGE_MAX = 4_096;

const LIBRARY =
  /node:internal|node_modules[\\/]|[\\/]libs[\\/](link|rpc|patterns|tracing|runtime)[\\/]src[\\/]/;
const TEST_FILE = /\.test\.[cm]?[jt]s/;

/** Frames of a `stack`, at most 20, with runs of library frames folded into a count. */
export function framesOf(stack: string | undefined): string[] {
  const frames: string[] = [];
  let folded = 0;
  const fold = (): void => {
    if (folded > 0) frames.push(`… ${folded} library frame${folded > 1 ? "s" : ""}`);
    folded = 0;
  };
  for (const line of stack?.split("\n") ?? []) {
    const frame = line.trim();
    if (!frame.startsWith("at ")) continue;
    if (LIBRARY.test(frame) && !TEST_FILE.test(frame)) folded++;
    else {
      fold();
      frames.push(shorten(frame));
    }
    if (frames.length >= FRAMES_MAX) return frames;
  }
  if (frames.length > 0) fold();
  return frames;
}

function shorten(frame: string): string {
  return frame.replace("file://", "").replace(`${process.cwd()}/`, "");
}

/** Where an error was met on its way: this process. */
export type HopSite = Omit<Hop, "frames"> & { readonly traceId?: string | undefined };

function isWire(error: unknown): error is { readonly wire: WireError } {
  return typeof error === "object" && error !== null && "wire" in error && error.wire !== undefined;
}

/**
 * Anything thrown, as it travels. An error that came from another process keeps its hops and gets
 * this one behind them; another one begins here.
 */
export function toWireError(error: unknown, site: HopSite): WireError {
  const { traceId, ...hop } = site;
  const frames = framesOf(error instanceof Error ? ownStack(error) : undefined);
  if (isWire(error)) {
    const hops = [...error.wire.hops, { ...hop, frames }];
    // The origin and the nearest hops tell most: the oldest in between go first.
    if (hops.length > HOPS_MAX) hops.splice(1, hops.length - HOPS_MAX);
    return { ...error.wire, hops };
  }
  return { ...describeError(error, 0), hops: [{ ...hop, frames }], ...(traceId && { traceId }) };
}

/** The frames of this process only: a stitched stack has the others behind them. */
function ownStack(error: Error): string | undefined {
  return error.stack?.split("\n  --- remote: ", 1)[0];
}

function describeError(error: unknown, depth: number): WireError {
  if (!(error instanceof Error)) {
    return { name: "Error", message: `thrown: ${clip(String(error))}`, hops: [] };
  }
  if (isWire(error)) return error.wire;
  const code = codeOf(error);
  const { cause } = error;
  const deeper = depth < CAUSES_MAX;
  const frames = framesOf(error.stack);
  return {
    name: error.name,
    message: clip(error.message),
    ...(code !== undefined && { code }),
    ...("retryable" in error &&
      typeof error.retryable === "boolean" && { retryable: error.retryable }),
    ...("data" in error && error.data !== undefined && { data: error.data }),
    ...(cause !== undefined && deeper && { cause: describeError(cause, depth + 1) }),
    ...(error instanceof AggregateError &&
      deeper && { errors: error.errors.map((member) => describeError(member, depth + 1)) }),
    hops: depth === 0 ? [] : [{ service: "", method: "", node: "", ms: 0, frames }],
  };
}

const clip = (text: string): string =>
  text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX)}…` : text;

/**
 * An error that was thrown in another process. It has the name, message, code, data and cause that
 * it had there, and its `stack` is the one traceback through every process on the way.
 */
export class RemoteError extends Error {
  override readonly name: string;
  readonly code: string;
  readonly retryable: boolean;
  readonly data: unknown;
  readonly hops: readonly Hop[];
  readonly traceId: string | undefined;
  /** Members, when it was an AggregateError. */
  readonly errors: readonly RemoteError[] | undefined;
  /** For passing it on: the error as it travelled. */
  declare readonly wire: WireError;

  /**
   * @param wire what came
   * @param site stack of this process where the call was made, when it was kept
   */
  constructor(wire: WireError, site?: string) {
    super(wire.message, wire.cause && { cause: new RemoteError(wire.cause) });
    this.name = wire.name;
    this.code = wire.code ?? "ERR_REMOTE";
    this.retryable = wire.retryable ?? false;
    this.data = wire.data;
    this.hops = wire.hops;
    this.traceId = wire.traceId;
    this.errors = wire.errors?.map((member) => new RemoteError(member));
    Object.defineProperty(this, "wire", { value: wire, enumerable: false });
    const here = framesOf(site);
    // The first frames are this library's own way to the call.
    if (here[0]?.startsWith("…")) here.shift();
    this.stack = stitch(wire, here);
  }
}

function stitch(wire: WireError, here: readonly string[]): string {
  const lines = [`${wire.name}: ${wire.message}`, ...here.map((frame) => `    ${frame}`)];
  for (const hop of wire.hops.toReversed()) {
    const at = `${hop.service}.${hop.method}`;
    if (hop.service) lines.push(`  --- remote: ${at}  ${hop.node} +${Math.round(hop.ms)}ms ---`);
    lines.push(...hop.frames.map((frame) => `    ${frame}`));
  }
  if (wire.traceId) lines.push(`  trace ${wire.traceId}`);
  return lines.join("\n");
}

/** @returns a `WireError` when `value` has its shape: whatever else came is made to fit */
export function parseWireError(value: unknown): WireError {
  const map = (typeof value === "object" && value !== null ? value : {}) as Partial<WireError>;
  const { name, message, hops } = map;
  return {
    ...map,
    name: typeof name === "string" ? name : "Error",
    message: typeof message === "string" ? message : "the remote side gave no message",
    hops: Array.isArray(hops) ? hops.map(parseHop) : [],
  };
}

function parseHop(value: unknown): Hop {
  const hop = (typeof value === "object" && value !== null ? value : {}) as Partial<Hop>;
  return {
    service: String(hop.service ?? "?"),
    method: String(hop.method ?? "?"),
    node: String(hop.node ?? "?"),
    ms: Number(hop.ms ?? 0),
    frames: Array.isArray(hop.frames) ? hop.frames.map(String) : [],
  };
}
