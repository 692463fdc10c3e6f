import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "./errors.ts";

/** How long after a close libzmq's I/O thread may still hold an endpoint. */
const FREED_MS = 1_000;
const RETRY_MS = 5;

const freedAtMs = new Map<string, number>();

/** A socket of this process has given up `endpoint`. */
export function freed(endpoint: string): void {
  const nowMs = performance.now();
  for (const [each, atMs] of freedAtMs) if (nowMs - atMs > FREED_MS) freedAtMs.delete(each);
  freedAtMs.set(endpoint, nowMs);
}

/**
 * Runs `bind`. An endpoint that this process has just given up is libzmq's for a moment longer:
 * for up to a second that is waited for.
 * @throws what `bind` throws
 */
export async function bindWhenFree(endpoint: string, bind: () => void): Promise<void> {
  for (;;) {
    try {
      bind();
      return;
    } catch (error) {
      const atMs = freedAtMs.get(endpoint) ?? Number.NEGATIVE_INFINITY;
      const isFreed = performance.now() - atMs < FREED_MS;
      if (codeOf(error) !== "EADDRINUSE" || !isFreed) throw error;
      await sleep(RETRY_MS);
    }
  }
}
