import { captureSite } from "./call-site.ts";
import type { Caller } from "./caller.ts";
import { RpcError } from "./errors.ts";
import type { PendingCall } from "./pending-call.ts";

/** Calls that may wait for somebody to be there. */
const WAITING_MAX = 65_536;
const SWEEP_MS = 20;
/** Who has just refused for want of room is asked last for so long. */
const OVERLOADED_MS = 200;

interface Member {
  readonly caller: Caller;
  /** No longer in the list: closed when its last call has ended. */
  leaving: boolean;
  overloadedUntilMs: number;
}

/** Opens a way to one endpoint; `changed` is called whenever `isUp` may have changed. */
export type OpenCaller = (endpoint: string, changed: () => void) => Caller;

/**
 * Whoever can be called, each call going to the one that has the fewest open among those that are
 * up. While nobody is, calls wait here until somebody is or their time is up; they were not sent
 * then, and say so.
 */
export class Pool {
  readonly #open: OpenCaller;
  readonly #members = new Map<string, Member>();
  readonly #waiting = new Set<PendingCall>();
  #only: Caller | undefined;
  #turn = 0;
  #closed = false;
  #sweep: NodeJS.Timeout | undefined;

  constructor(open: OpenCaller) {
    this.#open = open;
  }

  /** Whom calls may go to, in the order in which they were named. */
  callers(): Caller[] {
    return [...this.#members.values()]
      .filter(({ leaving }) => !leaving)
      .map(({ caller }) => caller);
  }

  /** Who answers, for traces. */
  get peerName(): string {
    return (
      this.#only?.peerName ??
      this.callers()
        .map(({ endpoint }) => endpoint)
        .join()
    );
  }

  /** Replaces the endpoints: new ones are opened, missing ones get no more calls and are closed. */
  update(endpoints: readonly string[]): void {
    if (this.#closed) return;
    const wanted = new Set(endpoints);
    for (const [endpoint, member] of this.#members) member.leaving = !wanted.has(endpoint);
    for (const endpoint of wanted) {
      if (this.#members.has(endpoint)) continue;
      const caller = this.#open(endpoint, () => this.changed());
      this.#members.set(endpoint, { caller, leaving: false, overloadedUntilMs: 0 });
    }
    const callers = this.callers();
    this.#only = callers.length === 1 ? callers[0] : undefined;
    this.#closeLeft();
    this.changed();
  }

  /** Sends `call` to somebody, now or when somebody is there. */
  start(call: PendingCall, nowMs: number): void {
    const only = this.#only;
    if (only?.isUp === true && call.to === undefined) only.start(call, nowMs);
    else this.#place(call, nowMs);
  }

  /** Whoever refused `call` for want of room is asked last for a moment. */
  overloaded(caller: unknown): void {
    for (const member of this.#members.values()) {
      if (member.caller === caller) member.overloadedUntilMs = performance.now() + OVERLOADED_MS;
    }
  }

  /** Somebody came or went: those who wait are placed anew. */
  changed(): void {
    if (this.#waiting.size === 0) return;
    const nowMs = performance.now();
    for (const call of this.#waiting) {
      if (!call.ended) this.#place(call, nowMs);
    }
  }

  /** Ends every way, after the calls that are open have failed. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweep);
    for (const call of this.#waiting) {
      call.abandon(new RpcError("ERR_CLOSED", `${call.method}: the client was closed`));
    }
    await Promise.all([...this.#members.values()].map(({ caller }) => caller.close()));
  }

  #place(call: PendingCall, nowMs: number): void {
    const caller = this.#pick(call, nowMs);
    if (caller === undefined) this.#wait(call);
    else {
      this.#waiting.delete(call);
      caller.start(call, nowMs);
    }
  }

  #pick(call: PendingCall, nowMs: number): Caller | undefined {
    const members = [...this.#members.values()].filter(({ caller, leaving }) => {
      const fits =
        call.to === undefined || call.to === caller.endpoint || call.to === caller.peerName;
      return fits && !leaving && caller.isUp;
    });
    const others = members.filter(({ caller }) => !call.avoid.includes(caller));
    const fresh = (others.length > 0 ? others : members).filter(
      ({ overloadedUntilMs }) => overloadedUntilMs <= nowMs,
    );
    const candidates = [fresh, others, members].find((list) => list.length > 0) ?? [];
    // Those with equally few have their turn one after the other.
    const start = candidates.length === 0 ? 0 : this.#turn++ % candidates.length;
    const turned = [...candidates.slice(start), ...candidates.slice(0, start)];
    return turned.reduce<Member | undefined>(
      (least, each) => (least === undefined || each.caller.open < least.caller.open ? each : least),
      undefined,
    )?.caller;
  }

  #wait(call: PendingCall): void {
    if (this.#closed) {
      call.fail(new RpcError("ERR_CLOSED", `${call.method}: the client is closed`));
    } else if (this.#waiting.size >= WAITING_MAX) {
      call.fail(new RpcError("ERR_OVERLOADED", `${WAITING_MAX} calls wait for ${this.#who(call)}`));
    } else {
      call.carrier = this.#waits;
      // When it is sent, nothing of whoever made it is on the stack any more.
      call.site ??= captureSite(performance.now());
      this.#waiting.add(call);
      this.#sweep ??= setInterval(() => this.#expire(), SWEEP_MS);
    }
  }

  readonly #waits = {
    grant: (): void => undefined,
    cancel: (): void => undefined,
    ended: (call: PendingCall): void => {
      this.#waiting.delete(call);
    },
  };

  #expire(): void {
    const nowMs = performance.now();
    for (const call of this.#waiting) {
      if (nowMs >= call.deadlineMs) call.abandon(this.#nobody(call));
    }
    this.#closeLeft();
    if (this.#waiting.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #nobody(call: PendingCall): RpcError {
    const waited = `${Math.round(call.timeoutMs)} ms`;
    const why = this.callers().flatMap(({ whyDown }) => whyDown ?? []);
    const hint = why.length > 0 ? why.join("; ") : "is it running, and are the keys right?";
    const text = `${call.method}: nobody answers at ${this.#who(call)} after ${waited}; ${hint}`;
    return new RpcError("ERR_UNAVAILABLE", text);
  }

  #who({ to }: PendingCall): string {
    const endpoints = this.callers().map(({ endpoint }) => endpoint);
    return to ?? (endpoints.join(", ") || "an empty list of endpoints");
  }

  #closeLeft(): void {
    for (const [endpoint, { caller, leaving }] of this.#members) {
      if (!leaving || caller.open > 0) continue;
      this.#members.delete(endpoint);
      void caller.close();
    }
  }
}
