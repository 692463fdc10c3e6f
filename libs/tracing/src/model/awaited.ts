/**
 * For how long the caller of a span was blocked on it, milliseconds; `undefined` when it does not say so.
 * @param attribute the span's attribute of that name
 */
export function awaitedMsOf(attribute: (name: string) => unknown): number | undefined {
  if (attribute("zp.unawaited") === true) return 0;
  const ns = Number(attribute("zp.await_ns") ?? Number.NaN);
  return Number.isFinite(ns) ? ns / 1e6 : undefined;
}
