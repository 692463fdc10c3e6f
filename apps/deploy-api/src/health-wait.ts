import { ApiError } from "./api-error.ts";
import type { InstanceRecord, InstanceStore } from "./instance-store.ts";
import type { ObservedInstance } from "./model.ts";

const POLL_MS = 1_000;

/**
 * Waits until every one of `ids` was seen healthy.
 * @throws ApiError ERR_UNHEALTHY with the last lines and what the probe saw, as soon as one has
 *   failed or `timeoutMs` are over
 */
export async function awaitHealthy(
  instances: InstanceStore,
  ids: readonly string[],
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<readonly InstanceRecord[]> {
  const deadline = performance.now() + options.timeoutMs;
  let wake: (() => void) | undefined;
  const stop = instances.watch(() => wake?.());
  try {
    for (;;) {
      options.signal.throwIfAborted();
      const records = ids.flatMap((id) => instances.get(id) ?? []);
      for (const { observed } of records)
        if (observed?.state === "failed") throw unhealthy(observed);
      if (records.every(({ observed }) => observed?.state === "healthy")) return records;
      if (performance.now() >= deadline) throw late(records, options.timeoutMs);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    stop();
  }
}

function unhealthy({ id, reason, exit, lastLines, probes }: ObservedInstance): ApiError {
  const how = exit === undefined ? "" : ` (exit ${exit.code ?? exit.signal ?? "unknown"})`;
  const text = `instance ${id} did not become healthy: ${reason ?? "no reason"}${how}`;
  return new ApiError("ERR_UNHEALTHY", text, {
    lastLines: [...(lastLines ?? []), ...(probes ?? [])],
  });
}

function late(records: readonly InstanceRecord[], timeoutMs: number): ApiError {
  const states = records.map(({ id, observed }) => `${id} is ${observed?.state ?? "not seen yet"}`);
  const text = `not healthy after ${Math.round(timeoutMs / 1_000)} s: ${states.join(", ")}`;
  return new ApiError("ERR_UNHEALTHY", text);
}
