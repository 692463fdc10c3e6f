import { decode, parseWireError, RemoteError, type Session } from "@zeroplane/link";
import { RpcError } from "./errors.ts";
import { ItemQueue } from "./item-queue.ts";
import type { ServerCall } from "./server-call.ts";
import {
  type ArgumentStream,
  type CallRecord,
  HEAD_BYTES,
  Kind,
  sendBare,
  sendCredit,
} from "./wire.ts";

const NONE: readonly ArgumentStream[] = [];
const STREAMS_MAX = 65_536;

/** The streams that callers send among their arguments, over one session. */
export class IncomingStreams {
  readonly #session: Session;
  readonly #queues = new Map<number, ItemQueue>();
  readonly #ofCall = new Map<ServerCall, readonly ArgumentStream[]>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Puts the streams of `record` into the arguments of `call`. */
  open(call: ServerCall, { streams }: CallRecord): void {
    if (streams.length === 0) return;
    if (this.#queues.size + streams.length > STREAMS_MAX) {
      throw new RpcError("ERR_OVERLOADED", `${STREAMS_MAX} streams of this caller are open`);
    }
    const args = call.args as unknown[];
    for (const { index, id } of streams) {
      const queue = new ItemQueue({
        grant: (bytes) => this.#tell(() => sendCredit(this.#session, Kind.streamCredit, id, bytes)),
        cancel: () => this.#cancel(id),
      });
      this.#queues.set(id, queue);
      args[index] = queue;
    }
    this.#ofCall.set(call, streams);
  }

  /** The call has ended: whoever still sends for it may stop. */
  close(call: ServerCall): void {
    if (this.#ofCall.size === 0) return;
    for (const { id } of this.#ofCall.get(call) ?? NONE) {
      const queue = this.#queues.get(id);
      if (queue?.ended === false) void queue.return();
      this.#queues.delete(id);
    }
    this.#ofCall.delete(call);
  }

  /** The session began anew. */
  fail(error: RpcError): void {
    for (const queue of this.#queues.values()) queue.fail(error);
    this.#queues.clear();
    this.#ofCall.clear();
  }

  /** A record of a stream: an item, its end, or its failure. */
  receive(kind: number, id: number, body: Buffer): void {
    const queue = this.#queues.get(id);
    if (queue === undefined) return;
    if (kind === Kind.streamItem) queue.push(decode(body), HEAD_BYTES + body.length);
    else if (kind === Kind.streamEnd) queue.end();
    else if (kind === Kind.streamError)
      queue.fail(new RemoteError(parseWireError(decode(body)), undefined));
  }

  #cancel(id: number): void {
    this.#queues.delete(id);
    this.#tell(() => sendBare(this.#session, Kind.streamCancel, id));
  }

  #tell(send: () => void): void {
    if (this.#session.state !== "closed") send();
  }
}
