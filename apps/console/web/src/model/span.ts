import type { FailedNode, Part } from "@zeroplane/tracing/model";
import { nowhere, type Skeleton, type SkeletonFailure } from "@zeroplane/tracing/model";

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const ID_BYTES = 8;

/** One span in its place. Times are milliseconds from the begin of the trace. */
export class Span implements FailedNode {
  readonly service: string;
  readonly node: string;
  readonly name: string;
  /** As in OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly awaitMs: number | undefined;
  /** What its status says, when it failed. */
  readonly failure: string | undefined;
  readonly isForeign: boolean;
  /** Its place in the trace. */
  index = 0;
  /** Place of its parent, -1 for a root. */
  parent = -1;
  depth = 0;
  /** Spans below it, at any depth: they follow it directly. */
  below = 0;
  /** Duration without the time in which a child ran. */
  selfMs = 0;
  /** Parts of it that the whole trace waited for. */
  critical: readonly Part[] = nowhere().critical;
  readonly #ids: Uint8Array;
  readonly #at: number;

  constructor(skeleton: Skeleton, at: number, failure: SkeletonFailure | undefined) {
    const operation = skeleton.operations[skeleton.operation[at] as number];
    this.service = operation?.service ?? "unknown";
    this.node = operation?.node ?? "unknown";
    this.name = operation?.name ?? "";
    this.kind = operation?.kind ?? 1;
    this.startMs = skeleton.startMs[at] as number;
    this.endMs = skeleton.endMs[at] as number;
    const awaitMs = skeleton.awaitMs[at] as number;
    this.awaitMs = Number.isNaN(awaitMs) ? undefined : awaitMs;
    this.failure = failure?.message;
    this.isForeign = failure?.isForeign ?? false;
    this.#ids = skeleton.ids;
    this.#at = at * ID_BYTES;
  }

  /** 16 hex digits; made when it is asked for, since few are. */
  get id(): string {
    let text = "";
    for (let i = 0; i < ID_BYTES; i++) text += HEX[this.#ids[this.#at + i] as number];
    return text;
  }

  get durationMs(): number {
    return this.endMs - this.startMs;
  }
}

/** Place of the span with an id among those of a skeleton, or -1. */
export function placeOf(ids: Uint8Array, id: string): number {
  if (!/^[0-9a-f]{16}$/.test(id)) return -1;
  const wanted = Array.from({ length: ID_BYTES }, (_, i) =>
    Number.parseInt(id.slice(2 * i, 2 * i + 2), 16),
  );
  for (let at = 0; at < ids.length; at += ID_BYTES) {
    let same = 0;
    while (same < ID_BYTES && ids[at + same] === wanted[same]) same++;
    if (same === ID_BYTES) return at / ID_BYTES;
  }
  return -1;
}
