import type { DatabaseSync } from "node:sqlite";
import { awaitedMsOf, type Skeleton, type SkeletonFailure } from "@zeroplane/tracing/model";
import { originOf } from "../ingest/origins.ts";
import { STATUS_ERROR } from "../span.ts";
import { ReadChunk } from "../store/attribute-chunk.ts";
import type { StoredSpan } from "../store/trace-rows.ts";

/** Longest message of a failure, characters. */
const MESSAGE_MAX = 500;
const AWAIT = /"zp\.await_ns":(\d+)/;
const UNAWAITED = '"zp.unawaited":true';
const NO_ID = Buffer.alloc(8);
const FOREIGN = '"zp.error.origin"';

/** A row for the whole trace: to make an object of each span costs ten times as much. */
const SQL = `SELECT group_concat(hex(span_id), '') AS ids,
  group_concat(iif(length(parent_id) = 8, hex(parent_id), '0000000000000000'), '') AS parents,
  json_group_array(start_us) AS startUs, json_group_array(start_sub) AS startSub,
  json_group_array(duration_ns) AS durationNs, json_group_array(status) AS status,
  json_group_array(op) AS op, json_group_array(chunk) AS chunk, json_group_array(slot) AS slot
  FROM (SELECT * FROM spans WHERE trace_id = ? LIMIT ?)`;
const OPS = "SELECT DISTINCT o.* FROM spans s JOIN ops o ON o.id = s.op WHERE s.trace_id = ?";

type Operation = Skeleton["operations"][number];
type Column = "startUs" | "startSub" | "durationNs" | "status" | "op" | "chunk" | "slot";

/** The spans of a trace, a column for each of their properties, as they are found. */
export class Bones {
  readonly ids: Buffer[] = [];
  readonly parentIds: Buffer[] = [];
  /** After {@link baseUs}. */
  readonly startNs: number[] = [];
  readonly durationNs: number[] = [];
  readonly awaitNs: number[] = [];
  readonly operation: number[] = [];
  readonly failures: SkeletonFailure[] = [];
  readonly operations: Operation[] = [];
  readonly #places = new Map<string, number>();
  baseUs = 0;

  /** Adds those of a partition, up to `limit`. */
  add(db: DatabaseSync, traceId: Uint8Array, limit: number): void {
    const row = db.prepare(SQL).get(traceId, limit) ?? {};
    if (!row["ids"]) return;
    this.ids.push(Buffer.from(String(row["ids"]), "hex"));
    this.parentIds.push(Buffer.from(String(row["parents"]), "hex"));
    const column = (name: Column): number[] => JSON.parse(String(row[name])) as number[];
    const [startUs, startSub, status] = [column("startUs"), column("startSub"), column("status")];
    if (this.startNs.length === 0) this.baseUs = startUs[0] ?? 0;
    const [op, chunk, slot] = [column("op"), column("chunk"), column("slot")];
    const before = this.startNs.length;
    const details = new Details(db, this.#operationsOf(db, traceId));
    for (let at = 0; at < op.length; at++) {
      this.startNs.push(((startUs[at] ?? 0) - this.baseUs) * 1_000 + (startSub[at] ?? 0));
      const detail = details.at(chunk[at] as number, slot[at] as number);
      this.operation.push(detail.operation(op[at] as number));
      this.awaitNs.push(detail.awaitNs());
      if (status[at] === STATUS_ERROR) this.failures.push({ at: before + at, ...detail.failure() });
    }
    for (const ns of column("durationNs")) this.durationNs.push(ns);
  }

  /** Adds those that have not ended, last: of one id the first counts. */
  addUnfinished(spans: readonly StoredSpan[]): void {
    for (const span of spans) {
      const { startUs, startSub, durationNs, attributes, service, node, name, kind } = span;
      if (this.startNs.length === 0) this.baseUs = startUs;
      this.ids.push(Buffer.from(span.spanId));
      this.parentIds.push(span.parentId === undefined ? NO_ID : Buffer.from(span.parentId));
      this.startNs.push((startUs - this.baseUs) * 1_000 + startSub);
      this.durationNs.push(durationNs);
      this.awaitNs.push((awaitedMsOf((key) => attributes[key]) ?? Number.NaN) * 1e6);
      this.operation.push(this.#placeOf({ service, node, name, kind }));
    }
  }

  #placeOf(operation: Operation): number {
    const key = JSON.stringify(operation);
    const known = this.#places.get(key) ?? this.operations.push(operation) - 1;
    this.#places.set(key, known);
    return known;
  }

  /** Place of an operation of a partition in a process. */
  #operationsOf(db: DatabaseSync, traceId: Uint8Array): (op: number, node: string) => number {
    const ops = new Map(
      db
        .prepare(OPS)
        .all(traceId)
        .map((op) => [Number(op["id"]), op]),
    );
    return (op, node) => {
      const { service, name, kind } = ops.get(op) ?? {};
      const [ofService, ofName] = [String(service), String(name)];
      return this.#placeOf({ service: ofService, node, name: ofName, kind: Number(kind) });
    };
  }
}

/** A chunk with what was learnt of it. */
interface Known {
  readonly chunk: ReadChunk;
  readonly hasAwait: boolean;
  /** Places of operations by their number and that of the process. */
  readonly places: Map<number, number>;
}

const PROCESSES_MAX = 4_096;

/** Reads what stands in the chunks of a partition, as little of it as will do. */
class Details {
  readonly #chunks = new Map<number, Known>();
  readonly #db: DatabaseSync;
  readonly #operationOf: (op: number, node: string) => number;
  #known: Known | undefined;
  #line = "";
  #slot = 0;

  constructor(db: DatabaseSync, operationOf: (op: number, node: string) => number) {
    this.#db = db;
    this.#operationOf = operationOf;
  }

  /** Goes to a span. */
  at(chunk: number, slot: number): this {
    this.#known = this.#chunks.get(chunk);
    if (this.#known === undefined) {
      const data = this.#db.prepare("SELECT data FROM chunks WHERE id = ?").get(chunk)?.["data"];
      const read = new ReadChunk(data as Uint8Array);
      const hasAwait = /"zp\.(?:await_ns|unawaited)"/.test(read.text);
      this.#known = { chunk: read, hasAwait, places: new Map() };
      this.#chunks.set(chunk, this.#known);
    }
    this.#slot = slot;
    this.#line = this.#known.chunk.line(slot);
    return this;
  }

  operation(op: number): number {
    const { chunk, places } = this.#known as Known;
    const process = chunk.resourceAt(this.#line);
    const key = op * PROCESSES_MAX + Math.min(process, PROCESSES_MAX - 1);
    const known = process < PROCESSES_MAX - 1 ? places.get(key) : undefined;
    if (known !== undefined) return known;
    const place = this.#operationOf(op, originOf(chunk.resources[process] ?? {}).node);
    places.set(key, place);
    return place;
  }

  /** NaN when nobody knows. */
  awaitNs(): number {
    if (!this.#known?.hasAwait) return Number.NaN;
    if (this.#line.includes(UNAWAITED)) return 0;
    return Number(AWAIT.exec(this.#line)?.[1] ?? Number.NaN);
  }

  failure(): Omit<SkeletonFailure, "at"> {
    const message = this.#known?.chunk.detail(this.#slot).statusMessage ?? "";
    return { message: message.slice(0, MESSAGE_MAX), isForeign: this.#line.includes(FOREIGN) };
  }
}
