import type { EventId } from "./event-id.ts";
import type { ServerChannel } from "./server-channel.ts";

const text = (frame: Uint8Array): string => Buffer.from(frame).toString("hex");

/** The channels of a server, by where they come from and their id. */
export class Channels {
  readonly #byKey = new Map<string, ServerChannel>();
  readonly #byPeer = new Map<string, Set<ServerChannel>>();

  get size(): number {
    return this.#byKey.size;
  }

  [Symbol.iterator](): Iterator<ServerChannel> {
    return this.#byKey.values();
  }

  /** Under which names the channel `id` of `envelope` and its connection go. */
  keysOf(
    envelope: readonly Buffer[],
    id: EventId,
  ): { readonly key: string; readonly peer: string } {
    const [route = Buffer.alloc(0), ...others] = envelope;
    const peer = text(route);
    // Hex has no such sign, so that no two envelopes look alike.
    return { key: `${[peer, ...others.map(text)].join("/")}/${id.key}`, peer };
  }

  find(envelope: readonly Buffer[], id: EventId): ServerChannel | undefined {
    return this.#byKey.get(this.keysOf(envelope, id).key);
  }

  /** The channels of the connection `route`. */
  of(route: Buffer): ServerChannel[] {
    return [...(this.#byPeer.get(text(route)) ?? [])];
  }

  /** How many channels `peer` has. */
  count(peer: string): number {
    return this.#byPeer.get(peer)?.size ?? 0;
  }

  add(channel: ServerChannel): void {
    this.#byKey.set(channel.key, channel);
    const others = this.#byPeer.get(channel.peer);
    if (others === undefined) this.#byPeer.set(channel.peer, new Set([channel]));
    else others.add(channel);
  }

  delete(channel: ServerChannel): void {
    if (this.#byKey.get(channel.key) !== channel) return;
    this.#byKey.delete(channel.key);
    const others = this.#byPeer.get(channel.peer);
    others?.delete(channel);
    if (others?.size === 0) this.#byPeer.delete(channel.peer);
  }
}
