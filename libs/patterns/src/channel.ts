import { type DialOptions, decode, dial, encode, Session } from "@zeroplane/link";

/** Where the other side is: an endpoint to dial, or a session that other verbs use as well. */
export type To = string | Session;

/** A message of a pattern: its kind, the name it is about, and the rest. */
export type Message = readonly [kind: number, name: string, ...rest: readonly unknown[]];

/** A session to `to`, and what to do with it at the end: one that was given stays open. */
export function sessionTo(
  to: To,
  options: DialOptions,
): { readonly session: Session; readonly end: () => Promise<void> } {
  if (to instanceof Session) return { session: to, end: () => Promise.resolve() };
  const session = dial(to, options);
  return { session, end: () => session.close() };
}

/** Sends `message`, unless the session has ended. */
export function tell(session: Session, verb: number, message: Message): void {
  if (session.state !== "closed") session.send(verb, encode(message));
}

/** @returns the message in a record, or `undefined` when it is none */
export function parseMessage(record: Buffer): Message | undefined {
  const value = decode(record);
  if (!Array.isArray(value) || typeof value[0] !== "number" || typeof value[1] !== "string") {
    return undefined;
  }
  return value as unknown as Message;
}
