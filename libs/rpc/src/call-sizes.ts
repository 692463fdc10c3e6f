import type { Operation } from "@zeroplane/link";

/** Bytes of a call on the server. */
export interface CallSizes {
  /** Of the call itself. */
  readonly bytesIn: number;
  /** Of its result, or of all the items so far. */
  readonly bytesOut: number;
}

const known = new WeakMap<Operation, CallSizes>();

/** Remembers whose sizes are those of `operation`. */
export function keepSizes(operation: Operation, of: CallSizes): Operation {
  known.set(operation, of);
  return operation;
}

/** The bytes of a call that an interceptor or a channel tells of; `undefined` where nobody counts. */
export const callSizes = (operation: object): CallSizes | undefined =>
  known.get(operation as Operation);
