import type { Message } from "../channel.ts";
import { PatternError, type PatternErrorCode } from "../errors.ts";
import type { SetOptions } from "./owner-core.ts";

/** How a viewer sets a key. */
export interface RemoteSetOptions extends SetOptions {
  /** The key goes when the session of this view ends or is reset (default false). */
  readonly ephemeral?: boolean;
  /** How long to wait for the owner's answer (milliseconds, default 10 000). */
  readonly timeoutMs?: number;
}

interface Pending {
  readonly resolve: (version: number) => void;
  readonly reject: (error: PatternError) => void;
}

const TIMEOUT_MS = 10_000;
const PENDING_MAX = 1_000;
const CODES: readonly string[] = ["ERR_CONFLICT", "ERR_READ_ONLY"];

/** What a viewer has asked the owner to set. Nothing is asked twice: it may have been done. */
export class RemoteSets {
  readonly #name: string;
  readonly #send: (id: number, change: readonly unknown[], options: SetOptions) => void;
  readonly #pending = new Map<number, Pending>();
  #id = 0;

  constructor(
    name: string,
    send: (id: number, change: readonly unknown[], options: SetOptions) => void,
  ) {
    this.#name = name;
    this.#send = send;
  }

  /** Sets `[key, value]`, or removes `[key]`. @returns the version that has it */
  async put(change: readonly [string, unknown?], options: RemoteSetOptions): Promise<number> {
    const { timeoutMs = TIMEOUT_MS, ...wire } = options;
    if (this.#pending.size >= PENDING_MAX) {
      throw this.#error("ERR_OVERLOADED", `${PENDING_MAX} sets wait for their answers`);
    }
    const id = ++this.#id;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#pending.set(id, { resolve, reject });
    const late = (): void => reject(this.#error("ERR_TIMEOUT", `no answer after ${timeoutMs} ms`));
    const timer = setTimeout(late, timeoutMs);
    try {
      this.#send(id, change, wire);
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  /** The owner has answered. */
  done([, , id, version, code, text]: Message): void {
    const pending = this.#pending.get(Number(id));
    if (typeof code === "string") pending?.reject(errorOf(code, String(text)));
    else pending?.resolve(Number(version));
  }

  /** The session was reset or closed: what was asked may have been done. */
  lost(): void {
    this.#rejectAll("ERR_CLOSED", "the session ended before the answer; it may have been set");
  }

  /** There is no such state. */
  unknown(): void {
    this.#rejectAll("ERR_UNKNOWN_NAME", "there is no state of that name");
  }

  #rejectAll(code: PatternErrorCode, text: string): void {
    for (const { reject } of this.#pending.values()) reject(this.#error(code, text));
  }

  #error(code: PatternErrorCode, text: string): PatternError {
    return new PatternError(code, `${this.#name}: ${text}`);
  }
}

/** An owner may only say what setting can end with. */
function errorOf(code: string, text: string): PatternError {
  const known = CODES.includes(code) ? (code as PatternErrorCode) : "ERR_READ_ONLY";
  return new PatternError(known, text);
}
