import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DecodedSpan } from "./span.ts";

/** An empty folder. */
export const emptyFolder = (): string => mkdtempSync(join(tmpdir(), "zp-traces-"));

/** A body of OTLP/JSON with one span each. */
export function otlpJson(spans: readonly object[], service = "shop"): string {
  const resource = { attributes: [{ key: "service.name", value: { stringValue: service } }] };
  return JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] });
}

/** Hex id of `bytes` bytes made of a number. */
export const idOf = (n: number, bytes: number): string => n.toString(16).padStart(2 * bytes, "0");

/** A span as OTLP/JSON that starts `agoMs` ago. */
export function jsonSpan(
  trace: number,
  span: number,
  about: object = {},
  agoMs = 1_000,
): Record<string, unknown> {
  const startNs = BigInt(Math.round(Date.now() - agoMs)) * 1_000_000n;
  return {
    traceId: idOf(trace, 16),
    spanId: idOf(span, 8),
    name: "work",
    kind: 2,
    startTimeUnixNano: startNs.toString(),
    endTimeUnixNano: (startNs + 5_000_000n).toString(),
    ...about,
  };
}

/** A span as the store takes it. */
export function decodedSpan(
  trace: number,
  span: number,
  atMs: number,
  about: Partial<DecodedSpan> = {},
): DecodedSpan {
  return {
    traceId: Buffer.from(idOf(trace, 16), "hex"),
    spanId: Buffer.from(idOf(span, 8), "hex"),
    parentId: undefined,
    service: "shop",
    node: "shop-1",
    name: "work",
    kind: 2,
    startUs: Math.round(atMs * 1_000),
    startSub: 0,
    durationNs: 1_000_000,
    attributes: { n: span },
    links: [],
    status: 0,
    statusMessage: "",
    resource: { "service.name": "shop" },
    ...about,
  };
}
