import { isUint8Array } from "node:util/types";
import { isMainThread } from "node:worker_threads";
import { codeOf, LinkError } from "./errors.ts";

const INTERRUPTIONS_MAX = 16;

/**
 * zeromq.js sends the text of whatever it is given, and of nothing sends nothing (trap 7).
 * @throws LinkError ERR_LINK_ENCODE when `frames` is not one or more `Uint8Array`
 */
export function requireMessage(frames: readonly Uint8Array[]): void {
  if (Array.isArray(frames) && frames.length > 0 && frames.every(isUint8Array)) return;
  const what = "a message is an array of one or more Uint8Array, and nothing else";
  throw new LinkError("ERR_LINK_ENCODE", `cannot send this: ${what}`);
}

/**
 * A worker thread that is terminated while a receive is pending aborts the process (trap 11):
 * nothing in JavaScript runs there any more that could close the socket.
 * @throws LinkError ERR_LINK_THREAD in a worker thread, unless `allowed`
 */
export function requireMainThread(allowed = false): void {
  if (isMainThread || allowed) return;
  const why = "a worker thread that is terminated with an open socket aborts the whole process";
  const hint = "use a child process, or say worker: true and close the socket first";
  throw new LinkError("ERR_LINK_THREAD", `${why}; ${hint}`);
}

/**
 * Runs `call` again when a signal has interrupted it: a process that is being profiled gets one
 * every few hundred microseconds, and libzmq does not try again by itself.
 * @throws what `call` throws, EINTR after the 16th time
 */
export function uninterrupted(call: () => void): void {
  for (let left = INTERRUPTIONS_MAX; ; left--) {
    try {
      call();
      return;
    } catch (error) {
      if (codeOf(error) !== "EINTR" || left === 0) throw error;
    }
  }
}
