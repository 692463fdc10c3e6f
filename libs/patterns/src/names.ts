import type { Listener, Session, VerbAcceptor, VerbHandler } from "@zeroplane/link";
import { type Message, parseMessage, tell } from "./channel.ts";
import { PatternError } from "./errors.ts";

/** What one named queue, feed or state does with a session that asks for it. */
export interface NamedHandler {
  receive(message: Message): void;
  reset?(): void;
  state?: NonNullable<VerbHandler["state"]>;
}

/**
 * Kind of the word "there is nothing of that name here": an answer, and said by an end that closes.
 * Who hears it asks again until there is.
 */
export const UNKNOWN = 0;

/** The named things of one verb on one listener: any number of queues share the verb. */
class Names {
  readonly #verb: number;
  readonly #made = new Map<string, (session: Session) => NamedHandler>();

  constructor(verb: number) {
    this.#verb = verb;
  }

  add(name: string, make: (session: Session) => NamedHandler): () => void {
    if (this.#made.has(name)) {
      const text = `${name} is open on this listener already; close it first, or take another name`;
      throw new PatternError("ERR_BAD_OPTION", text);
    }
    this.#made.set(name, make);
    return () => void this.#made.delete(name);
  }

  readonly accept: VerbAcceptor = (session) => {
    type Make = (session: Session) => NamedHandler;
    const handlers = new Map<string, { readonly make: Make; readonly handler: NamedHandler }>();
    const handlerOf = (name: string): NamedHandler | undefined => {
      const make = this.#made.get(name);
      const known = handlers.get(name);
      // What was withdrawn hears no more, and what was offered after it is another one.
      if (known?.make === make) return known?.handler;
      handlers.delete(name);
      if (make === undefined) return undefined;
      const handler = make(session);
      handlers.set(name, { make, handler });
      return handler;
    };
    const current = (): NamedHandler[] =>
      [...handlers]
        .filter(([name, { make }]) => this.#made.get(name) === make)
        .map(([, { handler }]) => handler);
    return {
      receive: (record) => {
        const message = parseMessage(record);
        if (message === undefined) return;
        const handler = handlerOf(message[1]);
        if (handler === undefined) tell(session, this.#verb, [UNKNOWN, message[1]]);
        else handler.receive(message);
      },
      reset: () => {
        for (const handler of current()) handler.reset?.();
        handlers.clear();
      },
      state: (state) => {
        for (const handler of current()) handler.state?.(state);
      },
    };
  };
}

const byListener = new WeakMap<Listener, Map<number, Names>>();

/**
 * Offers something called `name` to whoever asks for it on `listener`.
 * @returns its withdrawal, to be called once
 * @throws PatternError ERR_BAD_OPTION when there is one of that name
 */
export function offer(
  listener: Listener,
  about: { readonly verb: number; readonly name: string },
  make: (session: Session) => NamedHandler,
): () => void {
  const verbs = byListener.get(listener) ?? new Map<number, Names>();
  byListener.set(listener, verbs);
  let names = verbs.get(about.verb);
  if (names === undefined) {
    names = new Names(about.verb);
    verbs.set(about.verb, names);
    listener.accept(about.verb, names.accept);
  }
  return names.add(about.name, make);
}

interface Attached {
  readonly handlers: Map<string, NamedHandler>;
}

const bySession = new WeakMap<Session, Map<number, Attached>>();

/**
 * Takes what a dialled session says of `name`.
 * @returns a function that gives it up
 * @throws PatternError ERR_BAD_OPTION when something takes it on this session already
 */
export function attach(
  session: Session,
  about: { readonly verb: number; readonly name: string },
  handler: NamedHandler,
): () => void {
  const verbs = bySession.get(session) ?? new Map<number, Attached>();
  bySession.set(session, verbs);
  let attached = verbs.get(about.verb);
  if (attached === undefined) {
    const handlers = new Map<string, NamedHandler>();
    attached = { handlers };
    verbs.set(about.verb, attached);
    session.attach(about.verb, {
      receive: (record) => {
        const message = parseMessage(record);
        if (message !== undefined) handlers.get(message[1])?.receive(message);
      },
      reset: () => {
        for (const each of handlers.values()) each.reset?.();
      },
      state: (state) => {
        for (const each of handlers.values()) each.state?.(state);
      },
    });
  }
  const { handlers } = attached;
  if (handlers.has(about.name)) {
    const text = `this session to ${session.endpoint} serves one user of ${about.name} already; give the endpoint, or another session`;
    throw new PatternError("ERR_BAD_OPTION", text);
  }
  handlers.set(about.name, handler);
  return () => void handlers.delete(about.name);
}
