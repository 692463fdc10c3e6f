import { encode, type Headers } from "@zeroplane/link";
import type { Message } from "../channel.ts";
import { inTime } from "../deadline.ts";
import { PatternError, type PatternErrorCode } from "../errors.ts";
import type { SetOptions, Stamp } from "./owner-core.ts";
import type { WireChange } from "./protocol.ts";

/** How a viewer sets a key. */
export interface RemoteSetOptions extends SetOptions {
  /** The key goes when the session of this view has ended or was reset (default false). */
  readonly ephemeral?: boolean;
  /** How long to wait for the owner's answer (milliseconds, default 10 000). */
  readonly timeoutMs?: number;
}

/** Options as they travel. */
export interface WireSetOptions {
  readonly if?: Stamp;
  readonly ttlMs?: number;
  readonly ephemeral?: boolean;
}

/** What a viewer asks the owner to do. */
export interface Put {
  readonly id: number;
  readonly change: WireChange;
  readonly options: WireSetOptions;
  readonly headers: Headers;
}

interface Pending {
  readonly resolve: (version: number) => void;
  readonly reject: (error: PatternError) => void;
}

const TIMEOUT_MS = 10_000;
const PENDING_MAX = 1_000;
/** What an owner may answer. */
const CODES: readonly string[] = [
  "ERR_CONFLICT",
  "ERR_REFUSED",
  "ERR_BAD_OPTION",
  "ERR_OVERLOADED",
];

/** What a viewer has asked the owner to set. Nothing is asked twice: it may have been done. */
export class RemoteSets {
  readonly #name: string;
  readonly #send: (put: Put) => void;
  readonly #pending = new Map<number, Pending>();
  #id = 0;

  constructor(name: string, send: (put: Put) => void) {
    this.#name = name;
    this.#send = send;
  }

  /**
   * Sets `[key, value]`, or removes `[key]`.
   * @param about `epoch` of the owner as it is seen here, `headers` to travel along
   * @returns the version that has it
   */
  async put(
    change: readonly [string, unknown?],
    options: RemoteSetOptions,
    about: { readonly epoch: number; readonly headers: Headers },
  ): Promise<number> {
    const { timeoutMs = TIMEOUT_MS } = options;
    if (this.#pending.size >= PENDING_MAX) {
      throw this.#error("ERR_OVERLOADED", `${PENDING_MAX} sets wait for their answers`);
    }
    const id = ++this.#id;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#pending.set(id, { resolve, reject });
    try {
      const { headers } = about;
      this.#send({ id, change: wire(change), options: wireOptions(options, about.epoch), headers });
      return await inTime(promise, { timeoutMs }, () =>
        this.#error("ERR_TIMEOUT", `no answer after ${timeoutMs} ms; it may have been set`),
      );
    } finally {
      this.#pending.delete(id);
    }
  }

  /** The owner has answered. */
  done([, , id, version, code, text]: Message): void {
    const pending = this.#pending.get(Number(id));
    if (typeof code !== "string") pending?.resolve(Number(version));
    else pending?.reject(errorOf(code, String(text)));
  }

  /** The session was reset or closed: what was asked may have been done. */
  lost(): void {
    this.#rejectAll("ERR_LOST", "the session ended before the answer; it may have been set");
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

const wire = (change: readonly [string, unknown?]): WireChange =>
  change.length === 1 ? [change[0]] : [change[0], encode(change[1])];

function wireOptions(
  { if: at, ttlMs, ephemeral }: RemoteSetOptions,
  epoch: number,
): WireSetOptions {
  const stamp = typeof at === "number" ? { version: at, epoch } : at;
  return {
    ...(stamp !== undefined && { if: { version: stamp.version, epoch: stamp.epoch } }),
    ...(ttlMs !== undefined && { ttlMs }),
    ...(ephemeral !== undefined && { ephemeral }),
  };
}

/** An owner may only say what setting can end with. */
function errorOf(code: string, text: string): PatternError {
  return new PatternError(CODES.includes(code) ? (code as PatternErrorCode) : "ERR_REFUSED", text);
}
