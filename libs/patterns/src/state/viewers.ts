import { codeOf, type Session } from "@zeroplane/link";
import { tell } from "../channel.ts";
import { UNKNOWN } from "../names.ts";
import { VERB_STATE } from "../verbs.ts";
import type { Group, OwnerCore } from "./owner-core.ts";
import {
  DELTA_BYTES_MAX,
  Kind,
  PIECE_BYTES_MAX,
  PIECE_KEYS_MAX,
  type WireChange,
} from "./protocol.ts";

/** One process that views the state. */
export interface Viewer {
  /** Name of the process. */
  readonly node: string;
  /** Keys that it sees begin with this. */
  readonly under: string;
  /** The version it has applied. */
  readonly version: number;
  /** False while its line is down: it shows what it has, and is told the rest when it is back. */
  readonly up: boolean;
  /** True while a snapshot is on its way to it: it takes less than there is. */
  readonly behind: boolean;
}

interface Viewing {
  readonly session: Session;
  readonly under: string;
  version: number;
  /** Number of its snapshot. */
  snapshot: number;
  /** Keys that changed since the snapshot that is on its way began. */
  changed: Set<string> | undefined;
}

/** What viewers are told, at the pace of each: one that takes nothing holds up no other one. */
export class Viewers<T> {
  readonly #name: string;
  readonly #epoch: number;
  readonly #core: OwnerCore<T, Session>;
  readonly #viewings = new Map<Session, Viewing>();
  readonly #waiting = new Set<() => void>();
  #snapshots = 0;

  constructor(name: string, epoch: number, core: OwnerCore<T, Session>) {
    this.#name = name;
    this.#epoch = epoch;
    this.#core = core;
  }

  /** How many snapshots were begun. */
  get snapshots(): number {
    return this.#snapshots;
  }

  list(): Viewer[] {
    return [...this.#viewings.values()].map(({ session, under, version, changed }) => ({
      node: session.peer.node,
      under,
      version,
      up: session.state !== "down" && session.state !== "closed",
      behind: changed !== undefined,
    }));
  }

  /** A process views, or asks anew. */
  view(session: Session, under: string): void {
    const viewing: Viewing = { session, under, version: 0, snapshot: 0, changed: undefined };
    this.#viewings.set(session, viewing);
    this.#begin(viewing);
  }

  /** A viewer has applied up to `version`. */
  seen(session: Session, version: number): void {
    const viewing = this.#viewings.get(session);
    if (viewing === undefined || version > this.#core.version) return;
    viewing.version = Math.max(viewing.version, version);
    this.wake();
  }

  forget(session: Session): void {
    this.#viewings.delete(session);
    this.wake();
  }

  /** The state is withdrawn: viewers keep what they have, and ask until there is one again. */
  clear(): void {
    for (const { session } of this.#viewings.values()) {
      if (session.hasRoom) tell(session, VERB_STATE, [UNKNOWN, this.#name]);
    }
    this.#viewings.clear();
    this.wake();
  }

  /** @param headers travel to whoever hears of it */
  publish({ version, changes }: Group, headers: unknown): void {
    let bytes = 0;
    for (const [key, value] of changes) bytes += key.length + (value?.length ?? 0);
    for (const viewing of this.#viewings.values()) {
      // Viewers of other keys get the version as well: they have seen it by seeing nothing.
      const theirs = changes.filter(([key]) => key.startsWith(viewing.under));
      if (viewing.changed !== undefined) for (const [key] of theirs) viewing.changed.add(key);
      else if (bytes > DELTA_BYTES_MAX) this.#begin(viewing);
      else if (!this.#tell(viewing, [Kind.delta, this.#name, version, theirs, headers])) {
        this.#begin(viewing);
      }
    }
  }

  /** Waits for the next thing that is seen, for `timeoutMs`, or for `signal`. */
  change(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      signal?.addEventListener("abort", done);
      this.#waiting.add(done);
    });
  }

  #begin(viewing: Viewing): void {
    viewing.snapshot = ++this.#snapshots;
    viewing.changed = new Set();
    // Little ones leave at once, in this turn.
    void this.#snapshot(viewing);
  }

  async #snapshot(viewing: Viewing): Promise<void> {
    let piece: WireChange[] = [];
    for (
      let round: Iterable<WireChange> = this.#core.wire(viewing.under);
      ;
      round = this.#changed(viewing)
    ) {
      let size = 0;
      for (const entry of round) {
        if (piece.length >= PIECE_KEYS_MAX || size >= PIECE_BYTES_MAX) {
          if (!(await this.#piece(viewing, piece))) return;
          [piece, size] = [[], 0];
        }
        piece.push(entry);
        size += entry[0].length + (entry[1]?.length ?? 0);
      }
      if (viewing.changed?.size === 0 && this.#tell(viewing, this.#pieceOf(viewing, piece, true)))
        break;
      if (!viewing.session.hasRoom && !(await this.#room(viewing))) return;
    }
    viewing.changed = undefined;
  }

  /** What has changed since its piece was sent. */
  #changed(viewing: Viewing): Iterable<WireChange> {
    const keys = viewing.changed ?? [];
    viewing.changed = new Set();
    return Array.from(keys, (key) => this.#core.wireOf(key));
  }

  /** @returns false when the viewer is gone or has asked anew */
  async #piece(viewing: Viewing, entries: readonly WireChange[]): Promise<boolean> {
    const piece = this.#pieceOf(viewing, entries, false);
    while (!this.#tell(viewing, piece)) if (!(await this.#room(viewing))) return false;
    return viewing.session.hasRoom || (await this.#room(viewing));
  }

  #pieceOf(
    { snapshot }: Viewing,
    entries: readonly WireChange[],
    isLast: boolean,
  ): Parameters<typeof tell>[2] {
    const at = [this.#epoch, this.#core.version];
    return [Kind.snapshot, this.#name, ...at, entries, isLast, snapshot];
  }

  /** @returns false when too much waits for this viewer */
  #tell(viewing: Viewing, message: Parameters<typeof tell>[2]): boolean {
    try {
      tell(viewing.session, VERB_STATE, message);
      return true;
    } catch (error) {
      return codeOf(error) === "ERR_LINK_CLOSED";
    }
  }

  /** Waits, for as long as the viewer is there, until it has taken something. */
  async #room(viewing: Viewing): Promise<boolean> {
    for (;;) {
      try {
        await viewing.session.room();
        return this.#viewings.get(viewing.session) === viewing;
      } catch (error) {
        if (codeOf(error) !== "ERR_LINK_TIMEOUT") return false;
        if (this.#viewings.get(viewing.session) !== viewing) return false;
      }
    }
  }

  /** Something has come to be as somebody may wait for. */
  wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
