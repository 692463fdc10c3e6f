import { PatternError } from "../errors.ts";
import { Reader } from "./reader.ts";

/** Items that may wait for one reader. */
const WAITING_MAX = 1_024;

/** Those who look at something that changes. */
export class Watchers<Event> {
  readonly #wakes = new Set<{
    readonly reader: Reader<unknown>;
    readonly add?: (event: Event) => void;
  }>();
  #isClosed = false;

  /** Something has happened. */
  tell(event: Event): void {
    for (const { reader, add } of this.#wakes) {
      add?.(event);
      reader.wake();
    }
  }

  /** Every reader ends after what waits for it. */
  close(): void {
    this.#isClosed = true;
    for (const { reader } of this.#wakes) reader.last();
  }

  /** Each event after `first`. The reader ends with ERR_OVERLOADED when 1 024 wait for it. */
  events(first: readonly Event[], signal?: AbortSignal): Reader<Event> {
    const waiting = [...first];
    let missed = 0;
    const add = (event: Event): void => {
      if (waiting.length < WAITING_MAX) waiting.push(event);
      else missed++;
    };
    const take = (): { item: Event } | undefined => {
      const item = waiting.shift();
      if (item !== undefined) return { item };
      if (missed === 0) return undefined;
      const text = `this reader was ${WAITING_MAX} events behind and missed ${missed}`;
      throw new PatternError("ERR_OVERLOADED", `${text}; look at all() and begin anew`);
    };
    return this.#read(take, { signal, add });
  }

  /** What `look` gives, now and whenever its `key` is another one; `undefined` is nothing to give. */
  latest<T>(
    look: () => T | undefined,
    {
      key,
      signal,
    }: { readonly key: (value: T) => string; readonly signal?: AbortSignal | undefined },
  ): Reader<T> {
    let before: string | undefined;
    const take = (): { item: T } | undefined => {
      const item = look();
      const now = item === undefined ? before : key(item);
      if (item === undefined || now === before) return undefined;
      before = now;
      return { item };
    };
    return this.#read(take, { signal });
  }

  #read<T>(
    take: () => { readonly item: T } | undefined,
    {
      signal,
      add,
    }: { readonly signal?: AbortSignal | undefined; readonly add?: (event: Event) => void },
  ): Reader<T> {
    const ended = (): void => void this.#wakes.delete(entry);
    const reader: Reader<T> = new Reader({ take, ended: () => ended(), signal });
    const entry = { reader: reader as Reader<unknown>, ...(add && { add }) };
    if (signal?.aborted !== true) this.#wakes.add(entry);
    if (this.#isClosed) reader.last();
    return reader;
  }
}
