import {
  encodeHello,
  encodeWelcome,
  type Hello,
  type Introduction,
  PROTOCOL,
  type Via,
  type Welcome,
} from "./hello.ts";
import type { SessionIdentity } from "./settings.ts";

/** How far this side has got, and what it takes. */
export type Progress = Pick<Introduction, "receive" | "window" | "packets" | "beat">;

/** Who the two sides are, and of which session and incarnation they speak. */
export class Greeting {
  readonly #identity: SessionIdentity;
  #session: Uint8Array;
  #attempt = 0;
  #oldest = 1;
  /** Number of this incarnation; the acceptor chooses it. */
  epoch = 0;
  peerNode = "";
  peerCapabilities: readonly string[] = [];
  peerVia: readonly Via[] = [];

  constructor(identity: SessionIdentity) {
    this.#identity = identity;
    this.#session = identity.newSession();
  }

  /** Dialer: the body of the next hello. */
  hello(progress: Progress): Uint8Array {
    const { node, capabilities = [], via = [], prove } = this.#identity;
    return encodeHello({
      version: PROTOCOL,
      session: this.#session,
      attempt: ++this.#attempt,
      node,
      capabilities,
      via,
      ...progress,
      ...prove?.(this.#session),
    });
  }

  /**
   * Acceptor: the body of the answer to `hello`.
   * @param epoch of a new incarnation, or `undefined` to go on with the one there is
   */
  welcome(hello: Hello, progress: Progress, epoch: number | undefined): Uint8Array {
    // A dialer must never take a new incarnation for the one it remembers.
    if (epoch !== undefined) this.epoch = epoch === hello.epoch ? (epoch + 1) & 0xffff : epoch;
    this.#meet(hello);
    this.peerVia = hello.via;
    const { node, capabilities = [] } = this.#identity;
    return encodeWelcome({
      version: PROTOCOL,
      attempt: hello.attempt,
      node,
      capabilities,
      resumed: epoch === undefined,
      epoch: this.epoch,
      ...progress,
    });
  }

  /** Dialer: true when `attempt` is that of a hello on the line there is now. */
  isCurrent(attempt: number): boolean {
    return attempt >= this.#oldest && attempt <= this.#attempt;
  }

  /** Dialer: the line is lost; answers to the hellos so far mean nothing any more. */
  lost(): void {
    this.#oldest = this.#attempt + 1;
  }

  /** Dialer: takes the answer to its last hello. */
  welcomed(welcome: Welcome): void {
    this.epoch = welcome.epoch;
    this.#meet(welcome);
  }

  /**
   * Dialer: the next hello is for another session. Under the old id the acceptor might remember
   * numbers that are about to be forgotten here, and a welcome to it may still come.
   */
  renew(): void {
    this.#session = this.#identity.newSession();
    this.lost();
  }

  #meet({ node, capabilities }: Introduction): void {
    this.peerNode = node;
    this.peerCapabilities = capabilities;
  }
}
