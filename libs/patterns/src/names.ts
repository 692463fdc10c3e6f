import type { Listener, Session, VerbAcceptor, VerbHandler } from "@zeroplane/link";
import { type Message, parseMessage, tell } from "./channel.ts";
import { PatternError } from "./errors.ts";

/** What one named queue, feed or state does with a session that asks for it. */
export interface NamedHandler {
  receive(message: Message): void;
  reset?(): void;
  state?: NonNullable<VerbHandler["state"]>;
}

/** Kind of the answer "there is nothing of that name here". */
export const UNKNOWN = 0;

/** The named things of one verb on one listener: any number of queues share the verb. */
class Names {
  readonly #verb: number;
  readonly #made = new Map<string, (session: Session) => NamedHandler>();

  constructor(verb: number) {
    this.#verb = verb;
  }

  add(name: string, make: (session: Session) => NamedHandler): () => void {
    this.#made.set(name, make);
    return () => void this.#made.delete(name);
  }

  readonly accept: VerbAcceptor = (session) => {
    const handlers = new Map<string, NamedHandler>();
    const handlerOf = (name: string): NamedHandler | undefined => {
      const known = handlers.get(name) ?? this.#made.get(name)?.(session);
      if (known !== undefined) handlers.set(name, known);
      return known;
    };
    return {
      receive: (record) => {
        const message = parseMessage(record);
        if (message === undefined) return;
        const handler = handlerOf(message[1]);
        if (handler === undefined) tell(session, this.#verb, [UNKNOWN, message[1]]);
        else handler.receive(message);
      },
      reset: () => {
        for (const handler of handlers.values()) handler.reset?.();
        handlers.clear();
      },
      state: (state) => {
        for (const handler of handlers.values()) handler.state?.(state);
      },
    };
  };
}

const byListener = new WeakMap<Listener, Map<number, Names>>();

/** Offers something called `name` to whoever asks for it on `listener`. @returns its withdrawal */
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
