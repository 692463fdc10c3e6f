import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { DecodedSpan } from "../span.ts";

const NAME_MAX = 1_024;
const KNOWN_MAX = 10_000;

/** Numbers of the operations of a partition. */
export class Ops {
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  /** By service and name, then by kind. */
  readonly #known = new Map<string, Map<string, number[]>>();
  #count = 0;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      "INSERT INTO ops (service, name, kind) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    );
    this.#select = db.prepare("SELECT id FROM ops WHERE service = ? AND name = ? AND kind = ?");
  }

  idOf({ service, name, kind }: Pick<DecodedSpan, "service" | "name" | "kind">): number {
    const known = this.#known.get(service)?.get(name)?.[kind];
    if (known !== undefined) return known;
    const of = [service.slice(0, NAME_MAX), name.slice(0, NAME_MAX), kind] as const;
    this.#insert.run(...of);
    const id = Number(this.#select.get(...of)?.["id"]);
    this.#remember({ service, name, kind }, id);
    return id;
  }

  /** Forgets what was learnt: it may have been taken back. */
  clear(): void {
    this.#known.clear();
    this.#count = 0;
  }

  #remember(
    { service, name, kind }: Pick<DecodedSpan, "service" | "name" | "kind">,
    id: number,
  ): void {
    // Names that never come again must not pile up.
    if (this.#count >= KNOWN_MAX) this.clear();
    this.#count++;
    const names = this.#known.get(service) ?? new Map<string, number[]>();
    this.#known.set(service, names);
    const kinds = names.get(name) ?? [];
    names.set(name, kinds);
    kinds[kind] = id;
  }
}
