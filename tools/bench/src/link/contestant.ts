/** CURVE keys of both sides, as they travel to a peer process. */
export interface BenchKeys {
  readonly server: CurvePair;
  readonly client: CurvePair;
}

/** A CURVE key pair in Z85. */
export interface CurvePair {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** Any free port. */
export const ANY_PORT = "tcp://127.0.0.1:*";
/** First byte of a body that is only counted. */
export const COUNTED = 0;
/** First byte of a body that is sent back. */
export const ECHOED = 1;
/** An echoed body: its first byte, padding, and the number of the call at byte 4. */
export const CALL_BYTES = 16;

/** The bound side: counts bodies and sends back those that want to. */
export interface Listening {
  readonly endpoint: string;
  /** Bodies counted so far. */
  count(): number;
  /** Peers that are there, as far as this side knows. */
  peers(): number;
}

/** The connecting side. */
export interface Dialled {
  /** Sends bodies of `sizeBytes` as fast as they are taken, for `ms`. */
  blast(sizeBytes: number, ms: number): Promise<void>;
  /** One echo. */
  call(): Promise<void>;
  /** Resolves when the other side has answered something. */
  ready(): Promise<void>;
}

/** One way for two processes to talk. */
export interface Contestant {
  readonly name: string;
  /** @param endpoint any free port when it is left out */
  listen(keys?: BenchKeys, endpoint?: string): Promise<Listening>;
  dial(endpoint: string, keys?: BenchKeys): Dialled;
}

/** Numbers the calls of one side and finds each again when its answer comes. */
export class Calls {
  readonly #waiting = new Map<number, () => void>();
  #id = 0;

  /** Makes the body of a call and hands it to `send`; resolves when it is back. */
  start(send: (body: Buffer) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#id = (this.#id + 1) >>> 0;
      this.#waiting.set(this.#id, resolve);
      const body = Buffer.allocUnsafeSlow(CALL_BYTES);
      body[0] = ECHOED;
      body.writeUInt32LE(this.#id, 4);
      send(body);
    });
  }

  finish(body: Buffer): void {
    const id = body.readUInt32LE(4);
    this.#waiting.get(id)?.();
    this.#waiting.delete(id);
  }
}
