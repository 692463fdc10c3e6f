import { RemoteError, type WireError } from "@zeroplane/link";
import type { PendingCall } from "../pending-call.ts";
import type { ZerorpcEvent } from "./event.ts";

const LINES_MAX = 200;
const TEXT_MAX = 4_096;

const textOf = (value: unknown): string => {
  const text = value instanceof Uint8Array ? Buffer.from(value).toString() : plain(value);
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
};

const plain = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "");

/** What an ERR event says: three parts, or the one of a peer of version 1. */
export function remoteError({ args }: ZerorpcEvent, call: PendingCall, ms: number): RemoteError {
  const parts: unknown[] = Array.isArray(args) ? args : [args];
  const [first, message, traceback] = parts;
  const lines = typeof traceback === "string" ? traceback.split("\n") : [];
  const frames = lines.filter((line) => line.trim() !== "").slice(0, LINES_MAX);
  const hop = { service: "zerorpc", method: call.method, node: "", ms, frames: frames.map(textOf) };
  const wire: WireError =
    parts.length < 2
      ? { name: "Error", message: textOf(first), hops: [hop] }
      : { name: textOf(first), message: textOf(message), hops: [hop] };
  return new RemoteError(wire, call.site?.stack);
}
