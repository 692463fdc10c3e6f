import { TraceError } from "../trace-error.ts";
import type { JsonText } from "./json-text.ts";
import { BYTES, FIXED64, type ProtobufReader, VARINT } from "./protobuf.ts";

const DEPTH_MAX = 16;
const NULL = "null";

/**
 * Writes the `KeyValue`s that are field `at` of the message that is read, as a JSON object.
 * @throws TraceError ERR_OTLP when they are not well formed, or nested too deep
 */
export function writeAttributes(from: ProtobufReader, at: number, to: JsonText, depth = 0): void {
  const start = to.length;
  while (from.next()) {
    if (from.number === at && from.wire === BYTES) writeKeyValue(from, to, start, depth);
    else from.skip();
  }
  endObject(to, start);
}

/** Writes one `KeyValue`, the field that is read, behind others of the object that begins at `start`. */
export function writeKeyValue(from: ProtobufReader, to: JsonText, start: number, depth = 0): void {
  const before = from.enter();
  const { end } = from;
  let [key, keyEnd, value, valueEnd] = [end, end, end, end];
  while (from.next()) {
    const fieldEnd = from.wire === BYTES ? from.length() : -1;
    if (fieldEnd === -1) from.skip();
    else {
      if (from.number === 1) [key, keyEnd] = [from.at, fieldEnd];
      if (from.number === 2) [value, valueEnd] = [from.at, fieldEnd];
      from.at = fieldEnd;
    }
  }
  to.json(to.length === start ? "{" : ",");
  to.string(from.bytes, key, keyEnd);
  to.json(":");
  from.at = value;
  from.end = valueEnd;
  writeValue(from, to, depth);
  from.end = end;
  from.leave(before);
}

/** Ends an object of which {@link writeKeyValue} has written what is since `start`, if anything. */
export const endObject = (to: JsonText, start: number): void =>
  to.json(to.length === start ? "{}" : "}");

type Write = (from: ProtobufReader, to: JsonText, depth: number) => void;

/** By the number of the field that is set: its wire type, and what it is as JSON. */
const VALUES: Readonly<Record<number, readonly [wire: number, write: Write]>> = {
  1: [BYTES, writeText],
  2: [VARINT, (from, to) => to.json(from.varint() === 0 ? "false" : "true")],
  3: [VARINT, writeInteger],
  4: [FIXED64, writeDouble],
  5: [BYTES, writeList],
  6: [BYTES, writeMap],
  7: [BYTES, (from, to) => to.json(JSON.stringify(from.slice().toString("base64")))],
};

/**
 * Writes an `AnyValue`, the message that is read: string, bool, int, double, array, map or bytes.
 * @throws TraceError ERR_OTLP when it is not well formed, or nested too deep
 */
export function writeValue(from: ProtobufReader, to: JsonText, depth = 0): void {
  if (depth > DEPTH_MAX)
    throw new TraceError("ERR_OTLP", `a value nested deeper than ${DEPTH_MAX}`);
  while (from.next()) {
    const value = VALUES[from.number];
    if (value !== undefined && value[0] === from.wire) return value[1](from, to, depth);
    from.skip();
  }
  to.json(NULL);
}

function writeText(from: ProtobufReader, to: JsonText): void {
  const end = from.length();
  to.string(from.bytes, from.at, end);
}

/** JSON knows no bigint: what a double cannot hold is text. */
function writeInteger(from: ProtobufReader, to: JsonText): void {
  const value = from.varint();
  if (value <= Number.MAX_SAFE_INTEGER) return to.number(value);
  const exact = BigInt.asIntN(64, from.exact);
  const number = Number(exact);
  if (Number.isSafeInteger(number)) to.number(number);
  else to.json(`"${exact}"`);
}

function writeDouble(from: ProtobufReader, to: JsonText): void {
  from.fixed64();
  to.number(from.bytes.readDoubleLE(from.at - 8));
}

function writeList(from: ProtobufReader, to: JsonText, depth: number): void {
  const before = from.enter();
  const start = to.length;
  while (from.next()) {
    if (from.wire !== BYTES) from.skip();
    else {
      to.json(to.length === start ? "[" : ",");
      const list = from.enter();
      writeValue(from, to, depth + 1);
      from.leave(list);
    }
  }
  to.json(to.length === start ? "[]" : "]");
  from.leave(before);
}

function writeMap(from: ProtobufReader, to: JsonText, depth: number): void {
  const before = from.enter();
  writeAttributes(from, 1, to, depth + 1);
  from.leave(before);
}
