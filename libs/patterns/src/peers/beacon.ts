import { createSocket, type Socket } from "node:dgram";
import { PatternError } from "../errors.ts";
import { BeaconSeal } from "./beacon-packet.ts";
import type { Hint } from "./message.ts";
import type { BeaconOptions, PeerKeys } from "./options.ts";

const GROUP = "239.192.90.80";
const PORT = 9_090;
const EVERY_MS = 1_000;
const EVERY_MS_MIN = 50;
const IFACE = "127.0.0.1";

/** What a beacon is sent for, and what it finds. */
export interface BeaconParts {
  readonly keys: PeerKeys;
  /** What this side says of itself, now. */
  readonly self: () => Hint;
  readonly found: (hint: Hint) => void;
  /** Something was refused, or could not be sent. */
  readonly refused: (reason: string) => void;
}

/** Tells a network, again and again, that this peer is there, and hears of others. */
export class Beacon implements AsyncDisposable {
  readonly #parts: BeaconParts;
  readonly #seal: BeaconSeal;
  readonly #socket: Socket;
  readonly #to: { readonly group: string; readonly port: number };
  readonly #timer: NodeJS.Timeout;

  /** Use {@link openBeacon}. */
  constructor(socket: Socket, options: BeaconOptions, parts: BeaconParts) {
    this.#parts = parts;
    this.#socket = socket;
    this.#seal = new BeaconSeal(parts.keys.key);
    this.#to = { group: options.group ?? GROUP, port: options.port ?? PORT };
    socket.on("message", (datagram) => this.#receive(datagram));
    socket.on("error", () => parts.refused("beacon socket"));
    const everyMs = Math.max(EVERY_MS_MIN, options.everyMs ?? EVERY_MS);
    this.#timer = setInterval(() => this.shine(), everyMs).unref();
    this.shine();
  }

  /** Sends one now. */
  shine(): void {
    try {
      this.#seal.trust(this.#parts.keys.keyring.trusted().keys());
    } catch {
      // Who was trusted a moment ago still is: a folder that cannot be read lets nobody new in.
      this.#parts.refused("beacon keyring");
    }
    const { group, port } = this.#to;
    for (const datagram of this.#seal.seal(this.#parts.self(), Date.now()))
      this.#socket.send(datagram, port, group, (error) => {
        if (error !== null) this.#parts.refused("beacon unsent");
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }

  #receive(datagram: Buffer): void {
    const opened = this.#seal.open(datagram, Date.now());
    if (typeof opened === "string") this.#parts.refused(`beacon ${opened}`);
    else if (opened !== undefined) this.#parts.found(opened);
  }
}

/**
 * Begins to send beacons, and to hear those of others.
 * @throws PatternError ERR_BAD_OPTION when the network or the port cannot be used
 */
export async function openBeacon(options: BeaconOptions, parts: BeaconParts): Promise<Beacon> {
  const { group = GROUP, port = PORT, iface = IFACE } = options;
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(port, () => resolve());
    });
    join(socket, group, iface);
  } catch (cause) {
    socket.close();
    const hint = "choose another port, group or interface";
    const text = `no beacon to ${group} port ${port} at ${iface}: ${String(cause)}; ${hint}`;
    throw new PatternError("ERR_BAD_OPTION", text, { cause });
  }
  socket.removeAllListeners("error");
  socket.unref();
  return new Beacon(socket, options, parts);
}

function join(socket: Socket, group: string, iface: string): void {
  const first = Number(group.split(".")[0]);
  if (first < 224 || first > 239) {
    socket.setBroadcast(true);
    return;
  }
  socket.addMembership(group, iface);
  socket.setMulticastInterface(iface);
  socket.setMulticastTTL(1);
  socket.setMulticastLoopback(true);
}
