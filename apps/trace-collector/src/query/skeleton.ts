import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { LOST, NONE, packSkeleton, type Skeleton } from "@zeroplane/tracing/model";
import { originOf } from "../ingest/otlp-protobuf.ts";
import { STATUS_ERROR } from "../span.ts";
import { ReadChunk } from "../store/attribute-chunk.ts";
import type { Readers } from "./readers.ts";
import { TRACE_SPANS_MAX } from "./trace-view.ts";

/** Longest message of a failure, characters. */
const MESSAGE_MAX = 500;
const AWAIT = /"zp\.await_ns":(\d+)/;
const FOREIGN = '"zp.error.origin"';

const SPANS = `SELECT hex(span_id), hex(parent_id), start_us, start_sub, duration_ns, status, op, chunk, slot
  FROM spans WHERE trace_id = ? LIMIT ?`;
const OPS = "SELECT DISTINCT o.* FROM spans s JOIN ops o ON o.id = s.op WHERE s.trace_id = ?";
const LOGS = "SELECT count(*) AS n FROM logs WHERE trace_id = ?";

/** A span as far as a skeleton goes. */
interface Bone {
  readonly id: string;
  readonly parentId: string;
  readonly startUs: number;
  readonly startSub: number;
  readonly durationNs: number;
  readonly operation: number;
  readonly awaitNs: number;
  readonly failure: { readonly message: string; readonly isForeign: boolean } | undefined;
}

/** What a trace's drawing needs, packed; `undefined` when there is no such trace. */
export function skeletonOf(readers: Readers, traceId: string): Uint8Array<ArrayBuffer> | undefined {
  const id = Buffer.from(traceId, "hex");
  const bones = new Map<string, Bone>();
  const operations = new Operations();
  let logs = 0;
  let isCut = false;
  for (const { db } of readers.within()) {
    logs += Number(db.prepare(LOGS).get(id)?.["n"]);
    const left = TRACE_SPANS_MAX - bones.size;
    const found = bonesOf(db, id, { limit: left + 1, operations });
    isCut ||= found.length > left;
    for (const bone of found.slice(0, left)) bones.set(bone.id, bone);
  }
  if (bones.size + logs === 0) return undefined;
  const byStart = [...bones.values()].sort(
    (a, b) => a.startUs - b.startUs || a.startSub - b.startSub || b.durationNs - a.durationNs,
  );
  return packSkeleton({ ...columnsOf(byStart), operations: operations.list, logs, isCut });
}

/** Operations by process, each once. */
class Operations {
  readonly list: Skeleton["operations"][number][] = [];
  readonly #places = new Map<string, number>();

  placeOf(operation: Skeleton["operations"][number]): number {
    const key = JSON.stringify(operation);
    const known = this.#places.get(key) ?? this.list.push(operation) - 1;
    this.#places.set(key, known);
    return known;
  }
}

interface Asked {
  readonly limit: number;
  readonly operations: Operations;
}

function bonesOf(db: DatabaseSync, id: Uint8Array, { limit, operations }: Asked): Bone[] {
  const statement = db.prepare(SPANS);
  statement.setReturnArrays(true);
  const rows = statement.all(id, limit) as unknown as SQLOutputValue[][];
  if (rows.length === 0) return [];
  const ops = new Map(db.prepare(OPS).all(id).map((op) => [op["id"], op]));
  const chunkOf = chunksOf(db);
  const places = new Map<number, number>();
  return rows.map((row) => {
    const [spanId, parentId, startUs, startSub, durationNs, status, op, chunkId, slot] = row;
    const chunk = chunkOf(Number(chunkId));
    const line = chunk.line(Number(slot));
    const resource = chunk.resourceAt(line);
    // One number for an operation in a process: both are numbers of this partition.
    const key = (Number(op) * 2 ** 20 + Number(chunkId)) * 2 ** 8 + Math.min(resource, 255);
    let operation = resource < 255 ? places.get(key) : undefined;
    if (operation === undefined) {
      const { service, name, kind } = ops.get(op ?? null) ?? {};
      const { node } = originOf(chunk.resources[resource] ?? {});
      operation = operations.placeOf({
        service: String(service),
        node,
        name: String(name),
        kind: Number(kind),
      });
      places.set(key, operation);
    }
    return {
      id: String(spanId),
      parentId: String(parentId),
      startUs: Number(startUs),
      startSub: Number(startSub),
      durationNs: Number(durationNs),
      operation,
      awaitNs: line.includes("zp.await_ns") ? Number(AWAIT.exec(line)?.[1]) : Number.NaN,
      failure: status === STATUS_ERROR ? failureOf(chunk, Number(slot), line) : undefined,
    };
  });
}

function chunksOf(db: DatabaseSync): (id: number) => ReadChunk {
  const chunks = new Map<number, ReadChunk>();
  const data = db.prepare("SELECT data FROM chunks WHERE id = ?");
  return (id) => {
    const known = chunks.get(id) ?? new ReadChunk(data.get(id)?.["data"] as Uint8Array);
    chunks.set(id, known);
    return known;
  };
}

function failureOf(chunk: ReadChunk, slot: number, line: string): Bone["failure"] {
  const message = chunk.detail(slot).statusMessage.slice(0, MESSAGE_MAX);
  return { message, isForeign: line.includes(FOREIGN) };
}

type Columns = Omit<Skeleton, "operations" | "logs" | "isCut">;

/** @param bones by start */
function columnsOf(bones: readonly Bone[]): Columns {
  const places = new Map<string, number>();
  for (const [at, { id }] of bones.entries()) places.set(id, at);
  const [first] = bones;
  const [baseUs, baseSub] = [first?.startUs ?? 0, first?.startSub ?? 0];
  const nsOf = ({ startUs, startSub }: Bone): number =>
    (startUs - baseUs) * 1_000 + startSub - baseSub;
  return {
    startedAtMs: (baseUs + baseSub / 1_000) / 1_000,
    ids: Buffer.from(bones.map(({ id }) => id).join(""), "hex"),
    startMs: Float64Array.from(bones, (bone) => nsOf(bone) / 1e6),
    endMs: Float64Array.from(bones, (bone) => (nsOf(bone) + bone.durationNs) / 1e6),
    awaitMs: Float64Array.from(bones, ({ awaitNs }) => awaitNs / 1e6),
    parents: Int32Array.from(bones, ({ parentId }) =>
      parentId === "" ? NONE : (places.get(parentId) ?? LOST),
    ),
    operation: Uint32Array.from(bones, ({ operation }) => operation),
    failures: bones.flatMap(({ failure }, at) => (failure === undefined ? [] : [{ at, ...failure }])),
  };
}
