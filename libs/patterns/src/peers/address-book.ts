import type { Address, Hint } from "./message.ts";

interface Rumour {
  readonly hint: Hint;
  readonly sinceMs: number;
  heardMs: number;
}

/** Options of an {@link AddressBook}. */
export interface AddressBookOptions {
  /** Rumours, goodbyes and addresses kept at a time, each. */
  readonly max: number;
  /** How long a rumour and a goodbye are remembered, milliseconds. */
  readonly keepMs: number;
}

/** Where somebody may be: addresses that were given, and peers that others speak of. */
export class AddressBook {
  readonly #options: AddressBookOptions;
  readonly #seeds = new Map<string, readonly Address[]>();
  /** Who was found at an address that was given. */
  readonly #led = new Map<string, string>();
  readonly #rumours = new Map<string, Rumour>();
  readonly #goodbyes = new Map<string, { readonly epoch: number; readonly atMs: number }>();

  constructor(options: AddressBookOptions) {
    this.#options = options;
  }

  /** Addresses of one source, in place of those that it gave before. */
  give(source: string, addresses: readonly Address[]): void {
    this.#seeds.set(source, addresses.slice(0, this.#options.max));
    const given = new Set(this.given().map(({ at }) => at));
    for (const at of this.#led.keys()) if (!given.has(at)) this.#led.delete(at);
  }

  given(): Address[] {
    return [...this.#seeds.values()].flat();
  }

  isGiven(at: string): boolean {
    return this.given().some((each) => each.at === at);
  }

  /** Somebody was found at an address. */
  leads(at: string, id: string): void {
    this.#rumours.delete(at);
    if (this.isGiven(at)) this.#led.set(at, id);
  }

  ledTo(at: string): string | undefined {
    return this.#led.get(at);
  }

  /** Somebody is said to be there. Of several places that are named for one peer each is tried. */
  rumour(hint: Hint, nowMs: number): void {
    const known = this.#rumours.get(hint.at);
    if (known?.hint.id === hint.id) known.heardMs = nowMs;
    else this.#rumours.set(hint.at, { hint, sinceMs: nowMs, heardMs: nowMs });
    dropOldest(this.#rumours, this.#options.max);
  }

  /** It was found, or has left. */
  settle(id: string): void {
    for (const [at, { hint }] of this.#rumours) if (hint.id === id) this.#rumours.delete(at);
  }

  rumours(): IterableIterator<{ readonly hint: Hint; readonly sinceMs: number }> {
    return this.#rumours.values();
  }

  /** It has said goodbye: what is still said of that life is old. */
  goodbye(id: string, epoch: number, nowMs: number): void {
    this.#goodbyes.delete(id);
    this.#goodbyes.set(id, { epoch, atMs: nowMs });
    dropOldest(this.#goodbyes, this.#options.max);
  }

  /** The life of the peer that has ended with a goodbye; 0 when there is none. */
  lastLife(id: string): number {
    return this.#goodbyes.get(id)?.epoch ?? 0;
  }

  /** Forgets what is too old. */
  tidy(nowMs: number): void {
    const dueMs = nowMs - this.#options.keepMs;
    for (const [at, { heardMs }] of this.#rumours) if (heardMs < dueMs) this.#rumours.delete(at);
    for (const [id, { atMs }] of this.#goodbyes) if (atMs < dueMs) this.#goodbyes.delete(id);
  }
}

function dropOldest(map: Map<string, unknown>, max: number): void {
  const [oldest] = map.keys();
  if (map.size > max && oldest !== undefined) map.delete(oldest);
}
