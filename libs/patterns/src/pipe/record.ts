import { decode, encode } from "@zeroplane/link";
import type { Waiting } from "./ring.ts";

/** What a collector learns with each message. */
export interface PipeHead {
  readonly node: string;
  /** Random for each life of the sender. */
  readonly boot: number;
  readonly seq: number;
  /** Messages the sender had dropped before it. */
  readonly dropped: number;
  readonly kind: string;
}

/** Who sends a record, the number of its first message, and how many were dropped before it. */
export type RecordHead = Omit<PipeHead, "kind">;

/** Bytes before each message: length of its kind u16, of its body u32. */
const PREFIX_BYTES = 6;

/** The frames of a record: its head, and its messages one after the other. */
export function toPipeRecord(head: RecordHead, messages: readonly Waiting[]): Uint8Array[] {
  const { node, boot, seq, dropped } = head;
  let size = 0;
  for (const { kind, body } of messages)
    size += PREFIX_BYTES + Buffer.byteLength(kind) + body.length;
  const packed = Buffer.allocUnsafe(size);
  let at = 0;
  for (const { kind, body } of messages) {
    const kindBytes = packed.write(kind, at + PREFIX_BYTES);
    packed.writeUInt16BE(kindBytes, at);
    packed.writeUInt32BE(body.length, at + 2);
    at += PREFIX_BYTES + kindBytes;
    packed.set(body, at);
    at += body.length;
  }
  return [encode([node, boot, seq, dropped, messages.length]), packed];
}

/** @throws RangeError or LinkError when the frames are no whole record: nothing of it is taken */
export function fromPipeRecord([first, packed]: readonly Buffer[]): {
  readonly head: RecordHead;
  readonly messages: { readonly kind: string; readonly body: Buffer }[];
} {
  if (first === undefined || packed === undefined) throw new RangeError("a record has two frames");
  const fields = decode(first);
  const [node, ...numbers] = Array.isArray(fields) ? (fields as unknown[]) : [];
  if (typeof node !== "string" || numbers.length !== 4 || !numbers.every(isCount))
    throw new RangeError("a record begins with who sent it and four numbers");
  const [boot, seq, dropped, count] = numbers as [number, number, number, number];
  const messages: { readonly kind: string; readonly body: Buffer }[] = [];
  for (let at = 0; at < packed.length; ) {
    const bodyAt = at + PREFIX_BYTES + packed.readUInt16BE(at);
    const end = bodyAt + packed.readUInt32BE(at + 2);
    if (end > packed.length) throw new RangeError("a message is cut short");
    const kind = packed.toString("utf8", at + PREFIX_BYTES, bodyAt);
    messages.push({ kind, body: packed.subarray(bodyAt, end) });
    at = end;
  }
  if (messages.length !== count) throw new RangeError("a record has as many messages as it says");
  return { head: { node, boot, seq, dropped }, messages };
}

const isCount = (value: unknown): boolean =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
