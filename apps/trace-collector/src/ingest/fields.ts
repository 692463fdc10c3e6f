import type { ProtobufReader } from "./protobuf.ts";

/** What is done with a field of a message, by its number; with another wire type it is passed over. */
export type Fields<T> = Readonly<
  Record<number, readonly [wire: number, read: (to: T, from: ProtobufReader) => void]>
>;

/** Reads the fields of the message that is read into `to`. @throws TraceError ERR_OTLP when they are not well formed */
export function readFields<T>(fields: Fields<T>, to: T, from: ProtobufReader): T {
  while (from.next()) {
    const field = fields[from.number];
    if (field !== undefined && field[0] === from.wire) field[1](to, from);
    else from.skip();
  }
  return to;
}

/** The same of the message that is a field. */
export function readMessage<T>(fields: Fields<T>, to: T, from: ProtobufReader): T {
  const before = from.enter();
  readFields(fields, to, from);
  from.leave(before);
  return to;
}
