import { codeOf, type Interceptor, intercept } from "@zeroplane/link";
import { runInCall } from "../call-context.ts";
import { observed } from "../channels.ts";
import { RpcError } from "../errors.ts";
import { ItemPump, isStream, type Stream, streamOf } from "../item-pump.ts";
import { ServerCall } from "../server-call.ts";
import { apply, type Method, type Service } from "../service.ts";
import { spread } from "./arguments.ts";
import { builtins } from "./builtins.ts";
import { Channels } from "./channels.ts";
import { errorArgs } from "./error-args.ts";
import { decodeEvent, encodeEvent, Name, type ZerorpcEvent } from "./event.ts";
import { type EventId, EventIds } from "./event-id.ts";
import { Gap } from "./heartbeat.ts";
import { ServerChannel } from "./server-channel.ts";

/** How calls of zerorpc peers are run. */
export interface ZerorpcServerOptions {
  readonly service: Service;
  /** Calls of one connection that may run at a time. */
  readonly callsMax: number;
  readonly interceptor: Interceptor | undefined;
  /** Between two beats, milliseconds; both sides must have the same. */
  readonly heartbeatMs: number;
  /** Whether tracebacks name files and lines of this process. */
  readonly paths: boolean;
  /** Sends one event to whom `envelope` leads. */
  readonly send: (envelope: readonly Buffer[], payload: Uint8Array) => void;
}

const CHANNELS_MAX = 16_384;
const BEAT = [0];
const PING = "_zerorpc_ping";

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" &&
  value !== null &&
  "then" in value &&
  typeof value.then === "function";

/**
 * The serving side of zerorpc: events and the time in, events out. Channels are known by where
 * they come from and their id, so that two peers with one id do not meet.
 */
export class ZerorpcServer {
  readonly #options: ZerorpcServerOptions;
  readonly #builtins: ReadonlyMap<string, Method>;
  readonly #ids = new EventIds();
  readonly #channels = new Channels();
  readonly #dropped = new Map<string, number>();
  readonly #gap: Gap;
  #isDraining = false;

  constructor(options: ZerorpcServerOptions) {
    this.#options = options;
    this.#builtins = builtins(options.service);
    this.#gap = new Gap(options.heartbeatMs);
  }

  /** Calls that are running. */
  get running(): number {
    return [...this.#channels].filter(({ call }) => call !== undefined).length;
  }

  /** Events that led to nothing, by reason. */
  dropped(): Record<string, number> {
    return Object.fromEntries(this.#dropped);
  }

  /** Takes no more calls. */
  drain(): void {
    this.#isDraining = true;
  }

  /**
   * Takes one message. Nothing a peer sends makes it throw.
   * @param envelope frames that lead back to the sender, the first being its connection
   * @returns false when it is no event of zerorpc
   */
  receive(envelope: readonly Buffer[], payload: Buffer, nowMs: number): boolean {
    const event = decodeEvent(payload);
    if (event === undefined) {
      this.#drop("invalid");
      return false;
    }
    if (event.responseTo !== undefined) {
      const channel = this.#channels.find(envelope, event.responseTo);
      if (channel === undefined) this.#drop("unrouted");
      else this.#take(channel, event, nowMs);
    } else if (event.id === undefined) this.#drop("unnamed");
    else this.#open({ envelope, event, id: event.id }, nowMs);
    return true;
  }

  /** Beats that are due, and peers that are lost. */
  tick(nowMs: number): void {
    const gapMs = this.#gap.tick(nowMs);
    for (const channel of this.#channels) {
      if (gapMs > 0) channel.heartbeat.forgive(gapMs);
      const due = channel.heartbeat.tick(nowMs);
      if (due === "beat") this.#send(channel, Name.beat, BEAT);
      else if (due === "lost") this.#lose(channel, "its heartbeats stopped");
    }
  }

  /** The connection `route` has ended. */
  lost(route: Buffer): void {
    for (const channel of this.#channels.of(route)) this.#lose(channel, "its connection ended");
  }

  /** Ends every call. */
  close(): void {
    for (const channel of this.#channels) this.#lose(channel, "the server was closed");
  }

  #open(about: First, nowMs: number): void {
    const { envelope, event, id } = about;
    const { heartbeatMs } = this.#options;
    if (this.#channels.find(envelope, id) !== undefined) {
      this.#drop("repeated");
      return;
    }
    const { key, peer } = this.#channels.keysOf(envelope, id);
    const facts = { envelope, first: event, id, heartbeatMs, key, peer };
    const channel = new ServerChannel(facts, nowMs);
    if (this.#channels.size >= CHANNELS_MAX) {
      const text = `${this.#options.service.name} serves ${CHANNELS_MAX} calls; try later`;
      this.#fail(channel, new RpcError("ERR_OVERLOADED", text), event.name);
      return;
    }
    // One of ours that asks what is spoken here makes no call.
    if (event.isOurs && event.name === PING) this.#pong(channel, event);
    else {
      this.#channels.add(channel);
      this.#take(channel, event, nowMs);
    }
  }

  #pong(channel: ServerChannel, event: ZerorpcEvent): void {
    channel.echo(event);
    this.#send(channel, Name.ok, [["pong", this.#options.service.name]], true);
  }

  #take(channel: ServerChannel, event: ZerorpcEvent, nowMs: number): void {
    const { name, args } = event;
    if (name === Name.beat) {
      channel.heartbeat.heard(nowMs);
      // Before version 3 a beat carried the credit too.
      if (channel.version < 3) channel.grant(args);
    } else if (name === Name.more) {
      if (!channel.grant(args)) this.#drop("credit");
    } else if (channel.call === undefined) this.#call(channel, event);
    else this.#drop("unexpected");
  }

  #call(channel: ServerChannel, event: ZerorpcEvent): void {
    const { service } = this.#options;
    const { name, headers } = event;
    channel.echo(event);
    try {
      const method = this.#admit(channel, name);
      const args = spread(event);
      const record = { args, headers, leftMs: 0 };
      const session = { peer: { node: `zerorpc ${channel.peer}`, capabilities: [], via: [] } };
      channel.call = new ServerCall({ id: 0, service, method, record, session });
      this.#run(channel, channel.call);
    } catch (error) {
      this.#fail(channel, error, name);
    }
  }

  #admit({ peer }: ServerChannel, name: string): Method {
    const { service, callsMax } = this.#options;
    if (this.#isDraining) {
      throw new RpcError("ERR_UNAVAILABLE", `${service.name} is shutting down`);
    }
    if (this.#channels.count(peer) > callsMax) {
      const text = `${service.name} already runs ${callsMax} calls of this caller; try later`;
      throw new RpcError("ERR_OVERLOADED", text);
    }
    return this.#builtins.get(name) ?? service.method(name);
  }

  #run(channel: ServerChannel, call: ServerCall): void {
    const interceptor = observed("server", this.#options.interceptor);
    const name = call.target.name;
    const handle = (): Promise<void> => this.#handle(channel, call);
    const run = (): Promise<unknown> => runInCall(call, handle, call);
    intercept(interceptor, () => call.operation(), run).catch((error: unknown) =>
      this.#fail(channel, error, name),
    );
  }

  async #handle(channel: ServerChannel, call: ServerCall): Promise<void> {
    const applied = apply(call.target, call.args);
    const result: unknown = isThenable(applied) ? await applied : applied;
    const stream = isStream(result) ? streamOf(result) : undefined;
    if (stream !== undefined) await this.#stream(channel, call, stream);
    else this.#finish(channel, Name.ok, [result]);
  }

  async #stream(channel: ServerChannel, call: ServerCall, stream: Stream): Promise<void> {
    const send = (value: unknown): number => {
      this.#reply(channel, Name.item, value);
      return 1;
    };
    call.pump = new ItemPump(stream, send, channel.credit);
    if (call.ended) call.pump.stop();
    await call.pump.run();
    // The end takes credit too: the pump asks for the item after the last only when it has some.
    this.#finish(channel, Name.end, null);
  }

  #finish(channel: ServerChannel, name: string, args: unknown): void {
    this.#reply(channel, name, args);
    this.#close(channel);
  }

  #reply(channel: ServerChannel, name: string, args: unknown): void {
    try {
      this.#send(channel, name, args, true);
    } catch (cause) {
      if (codeOf(cause) !== "ERR_LINK_ENCODE") throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      const text = `the result of ${channel.call?.method ?? name}: ${why}`;
      throw new RpcError("ERR_INVALID_RESULT", text, { cause });
    }
  }

  #fail(channel: ServerChannel, error: unknown, method: string): void {
    const { paths } = this.#options;
    const { version } = channel;
    this.#send(channel, Name.error, errorArgs(error, { method, version, paths }), true);
    this.#close(channel);
  }

  /** Beats carry no context, answers do. */
  #send(channel: ServerChannel, name: string, args: unknown, isAnswer = false): void {
    if (channel.closed) return;
    const context = isAnswer ? channel.context : undefined;
    const event = { id: this.#ids.next(), responseTo: channel.id, context, name, args };
    this.#options.send(channel.envelope, encodeEvent(event));
  }

  #lose(channel: ServerChannel, why: string): void {
    const text = `the caller ${channel.peer} vanished: ${why}`;
    this.#close(channel, new RpcError("ERR_LOST_REMOTE", text));
  }

  #close(channel: ServerChannel, reason?: RpcError): void {
    channel.close(reason);
    this.#channels.delete(channel);
  }

  #drop(reason: string): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }
}

interface First {
  readonly envelope: readonly Buffer[];
  readonly event: ZerorpcEvent;
  readonly id: EventId;
}
