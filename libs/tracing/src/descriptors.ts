import { SpanKind } from "@opentelemetry/api";
import { ATTR_PEER, ATTR_RPC_METHOD, ATTR_RPC_SYSTEM } from "./names.ts";

/** Descriptors that are kept; others are made each time. */
const KEPT_MAX = 4_096;

/** What all spans of one method, side and peer have in common. */
export class Descriptor {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Readonly<Record<string, string>>;
  readonly isServer: boolean;

  constructor(side: "client" | "server", name: string, peer: string | undefined) {
    this.name = name;
    this.isServer = side === "server";
    this.kind = this.isServer ? SpanKind.SERVER : SpanKind.CLIENT;
    this.attributes = {
      ...(peer && { [ATTR_PEER]: peer }),
      [ATTR_RPC_SYSTEM]: "zeroplane",
      [ATTR_RPC_METHOD]: name,
    };
  }
}

/** The descriptors in use, by side, peer and name. */
export class Descriptors {
  readonly #kept = {
    client: new Map<string, Map<string, Descriptor>>(),
    server: new Map<string, Map<string, Descriptor>>(),
  };
  #size = 0;

  get(side: "client" | "server", name: string, peer = ""): Descriptor {
    const names = this.#kept[side].get(peer);
    return names?.get(name) ?? this.#add(side, name, peer);
  }

  #add(side: "client" | "server", name: string, peer: string): Descriptor {
    const descriptor = new Descriptor(side, name, peer);
    if (this.#size >= KEPT_MAX) return descriptor;
    this.#size++;
    const names = this.#kept[side].get(peer) ?? new Map<string, Descriptor>();
    this.#kept[side].set(peer, names.set(name, descriptor));
    return descriptor;
  }
}
