import type {
  FailedNode,
  Part,
  Skeleton,
  SkeletonFailure,
  SpanTree,
} from "@zeroplane/tracing/model";

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const ID_BYTES = 8;

/** Where spans stand that share it. */
export interface Columns {
  readonly skeleton: Skeleton;
  readonly tree: SpanTree;
  /** By place in the skeleton. */
  readonly failures: ReadonlyMap<number, SkeletonFailure>;
}

/** One span in its place, read from the columns when it is asked. Times are milliseconds from the begin of the trace. */
export class Span implements FailedNode {
  /** Its place in the trace. */
  readonly index: number;
  readonly #of: Columns;

  constructor(of: Columns, index: number) {
    this.#of = of;
    this.index = index;
  }

  /** Its place in the skeleton. */
  get #at(): number {
    return this.#of.tree.order[this.index] as number;
  }

  get #operation(): Skeleton["operations"][number] | undefined {
    const { operations, operation } = this.#of.skeleton;
    return operations[operation[this.#at] as number];
  }

  get service(): string {
    return this.#operation?.service ?? "unknown";
  }

  get node(): string {
    return this.#operation?.node ?? "unknown";
  }

  get name(): string {
    return this.#operation?.name ?? "";
  }

  /** As in OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  get kind(): number {
    return this.#operation?.kind ?? 1;
  }

  get startMs(): number {
    return this.#of.tree.startMs[this.index] as number;
  }

  get endMs(): number {
    return this.#of.tree.endMs[this.index] as number;
  }

  get durationMs(): number {
    return this.endMs - this.startMs;
  }

  get awaitMs(): number | undefined {
    const awaitMs = this.#of.skeleton.awaitMs[this.#at] as number;
    return Number.isNaN(awaitMs) ? undefined : awaitMs;
  }

  /** What its status says, when it failed. */
  get failure(): string | undefined {
    return this.#of.failures.get(this.#at)?.message;
  }

  get isForeign(): boolean {
    return this.#of.failures.get(this.#at)?.isForeign ?? false;
  }

  /** Place of its parent, -1 for a root. */
  get parent(): number {
    return this.#of.tree.parent[this.index] as number;
  }

  get depth(): number {
    return this.#of.tree.depth[this.index] as number;
  }

  /** Spans below it, at any depth: they follow it directly. */
  get below(): number {
    return this.#of.tree.below[this.index] as number;
  }

  /** Duration without the time in which a child ran. */
  get selfMs(): number {
    return this.#of.tree.selfMs[this.index] as number;
  }

  /** True when the whole trace waited for a part of it. */
  get isCritical(): boolean {
    const { first } = this.#of.tree.critical;
    return first[this.index] !== first[this.index + 1];
  }

  /** Parts of it that the whole trace waited for, by time. */
  get critical(): readonly Part[] {
    const { first, fromMs, toMs } = this.#of.tree.critical;
    const parts: Part[] = [];
    for (let i = first[this.index] as number; i < (first[this.index + 1] as number); i++)
      parts.push({ fromMs: fromMs[i] as number, toMs: toMs[i] as number });
    return parts;
  }

  /** 16 hex digits. */
  get id(): string {
    const { ids } = this.#of.skeleton;
    const from = this.#at * ID_BYTES;
    let text = "";
    for (let i = 0; i < ID_BYTES; i++) text += HEX[ids[from + i] as number];
    return text;
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
