import type { Database, Row } from "./database.ts";
import type { DesiredInstance, ObservedInstance } from "./model.ts";

/** An instance: what ought to be, and what was last seen. */
export interface InstanceRecord {
  readonly id: string;
  readonly app: string;
  readonly release: string;
  /** `undefined` once it ought to stop. */
  readonly desired: DesiredInstance | undefined;
  readonly observed: ObservedInstance | undefined;
}

/** Instances, in the database. */
export class InstanceStore {
  readonly #db: Database;
  readonly #watchers = new Set<(observed: ObservedInstance) => void>();

  constructor(db: Database) {
    this.#db = db;
  }

  want(desired: DesiredInstance): void {
    this.#db.run(
      "INSERT INTO instances (id, app, release, desired) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
      desired.id,
      desired.app,
      desired.release,
      JSON.stringify(desired),
    );
  }

  /** It ought to stop. */
  unwant(id: string): void {
    this.#db.run("UPDATE instances SET desired = NULL WHERE id = ?", id);
  }

  /** A runner has seen it; an older sight than the last one changes nothing. */
  observe(observed: ObservedInstance): void {
    const known = this.get(observed.id);
    if (known === undefined || (known.observed?.atMs ?? 0) > observed.atMs) return;
    if (known.desired === undefined && observed.state === "stopped") {
      this.#db.run("DELETE FROM instances WHERE id = ?", observed.id);
    } else {
      const sql = "UPDATE instances SET observed = ? WHERE id = ?";
      this.#db.run(sql, JSON.stringify(observed), observed.id);
    }
    for (const watch of this.#watchers) watch(observed);
  }

  get(id: string): InstanceRecord | undefined {
    const row = this.#db.one("SELECT * FROM instances WHERE id = ?", id);
    return row && toInstance(row);
  }

  /** Instances that ought to run, of `app` or of all. */
  wanted(app?: string): InstanceRecord[] {
    const sql = "SELECT * FROM instances WHERE desired IS NOT NULL";
    const rows = app === undefined ? this.#db.all(sql) : this.#db.all(`${sql} AND app = ?`, app);
    return rows.map(toInstance);
  }

  /** Calls `watch` with each sight from now on. @returns a function that ends it */
  watch(watch: (observed: ObservedInstance) => void): () => void {
    this.#watchers.add(watch);
    return () => void this.#watchers.delete(watch);
  }
}

function toInstance(row: Row): InstanceRecord {
  const parse = <T>(value: Row[string] | undefined): T | undefined =>
    typeof value === "string" ? (JSON.parse(value) as T) : undefined;
  return {
    id: String(row["id"]),
    app: String(row["app"]),
    release: String(row["release"]),
    desired: parse<DesiredInstance>(row["desired"]),
    observed: parse<ObservedInstance>(row["observed"]),
  };
}
