import { setTimeout as sleep } from "node:timers/promises";
import type { Listener, Session, SessionState, VerbHandler } from "@zeroplane/link";
import { expect } from "vitest";

/** The verb of the numbered records. */
export const VERB = 1;
const STAMP_BYTES = 8;
const SETTLE_MS = 25_000;

/** Records that carry stream and number; a stream ends with a reset. */
class Stream {
  static #count = 0;
  readonly #id = ++Stream.#count;
  #next = 0;

  get sent(): number {
    return this.#next;
  }

  next(sizeBytes: number): Buffer {
    const body = Buffer.alloc(Math.max(STAMP_BYTES, sizeBytes), 0x61);
    body.writeUInt32BE(this.#id, 0);
    body.writeUInt32BE(this.#next++, 4);
    return body;
  }
}

/** Checks that each stream arrives from its beginning, in order and once. */
export class Reader {
  /** Every breach of order or of "once", and every body that was changed. */
  readonly faults: string[] = [];
  resets = 0;
  #stream: number | undefined;
  #expected = 0;

  /** How many records of the stream that goes on have come. */
  get got(): number {
    return this.#expected;
  }

  take(body: Buffer): void {
    const [stream, index] = [body.readUInt32BE(0), body.readUInt32BE(4)];
    const isWhole = body.subarray(STAMP_BYTES).every((byte) => byte === 0x61);
    if (!isWhole || (this.#stream ?? stream) !== stream || index !== this.#expected) {
      const text = `${stream}/${index} instead of ${this.#stream}/${this.#expected}`;
      this.faults.push(`${text}, ${isWhole ? "whole" : "changed"}`);
    }
    this.#stream = stream;
    this.#expected = index + 1;
  }

  reset(): void {
    this.resets++;
    this.#stream = undefined;
    this.#expected = 0;
  }
}

/** Sends numbered records and checks those that come. */
export class Talker {
  readonly reader = new Reader();
  readonly states: SessionState[] = [];
  readonly #session: Session;
  #stream = new Stream();

  constructor(session: Session) {
    this.#session = session;
    session.watch((state) => this.states.push(state));
  }

  readonly handler: VerbHandler = {
    receive: (body) => this.reader.take(body),
    reset: () => {
      this.reader.reset();
      this.#stream = new Stream();
    },
  };

  /** Records of the stream that goes on. */
  get sent(): number {
    return this.#stream.sent;
  }

  say(sizeBytes: number): void {
    if (this.#session.state !== "closed") this.#session.send(VERB, this.#stream.next(sizeBytes));
  }
}

/** A dialer and its listener that talk both ways at a steady pace. */
export class Conversation implements Disposable {
  readonly dialer: Talker;
  /** One for each session that the listener has had. */
  readonly acceptors: Talker[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(listener: Listener, session: Session, pace: { everyMs: number; sizeBytes: number }) {
    this.dialer = new Talker(session);
    session.attach(VERB, this.dialer.handler);
    listener.accept(VERB, (accepted) => {
      const talker = new Talker(accepted);
      this.acceptors.push(talker);
      return talker.handler;
    });
    this.#timer = setInterval(() => {
      for (const talker of this.talkers) talker.say(pace.sizeBytes);
    }, pace.everyMs);
  }

  /** The dialer and the listener's latest. */
  get talkers(): Talker[] {
    return [this.dialer, ...this.acceptors.slice(-1)];
  }

  /** Resets, by side. */
  get resets(): readonly [number, number] {
    const sides = this.acceptors.map(({ reader }) => reader.resets);
    return [this.dialer.reader.resets, sides.reduce((sum, each) => sum + each, 0)];
  }

  /** Ends the talk and waits until everything has come, in order and once. */
  async settle(): Promise<void> {
    clearInterval(this.#timer);
    const missing = (): number => {
      const [dialer, acceptor] = this.talkers;
      if (dialer === undefined || acceptor === undefined) return -1;
      return dialer.sent - acceptor.reader.got + acceptor.sent - dialer.reader.got;
    };
    await expect.poll(missing, { timeout: SETTLE_MS, interval: 20 }).toBe(0);
    await sleep(50);
    expect(missing()).toBe(0);
    expect(this.faults()).toEqual([]);
  }

  /** What was delivered that should not have been. */
  faults(): string[] {
    return [this.dialer, ...this.acceptors].flatMap(({ reader }) => reader.faults);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
