import type { Database, Row } from "./database.ts";
import type { BuildResult, Deploy, DeployEvent, DeployFailure, DeployState } from "./model.ts";

/** A deploy with what only the platform needs to know of it. */
export interface DeployRecord extends Omit<Deploy, "url"> {
  readonly traceparent?: string;
}

const EVENTS_KEPT = 100_000;

/** Deploys and their events, in the database. */
export class DeployStore {
  readonly #db: Database;
  readonly #watchers = new Set<(event: DeployEvent) => void>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** @param key a second insert with the same one changes nothing */
  insert(deploy: DeployRecord, key: string | undefined): DeployRecord {
    this.#db.run(
      `INSERT INTO deploys (id, app, source, state, key, created_at_ms, traceparent)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING`,
      deploy.id,
      deploy.app,
      deploy.source,
      deploy.state,
      key ?? null,
      deploy.createdAtMs,
      deploy.traceparent ?? null,
    );
    const kept =
      key === undefined ? undefined : this.#db.one("SELECT * FROM deploys WHERE key = ?", key);
    return kept === undefined ? deploy : toDeploy(kept);
  }

  get(id: string): DeployRecord | undefined {
    const row = this.#db.one("SELECT * FROM deploys WHERE id = ?", id);
    return row && toDeploy(row);
  }

  /** Newest first. */
  list(app: string | undefined, count: number): DeployRecord[] {
    const order = "ORDER BY created_at_ms DESC, rowid DESC LIMIT ?";
    const rows =
      app === undefined
        ? this.#db.all(`SELECT * FROM deploys ${order}`, count)
        : this.#db.all(`SELECT * FROM deploys WHERE app = ? ${order}`, app, count);
    return rows.map(toDeploy);
  }

  /** Deploys that have not ended, oldest first. */
  unfinished(): DeployRecord[] {
    const sql = "SELECT * FROM deploys WHERE finished_at_ms IS NULL ORDER BY created_at_ms, rowid";
    return this.#db.all(sql).map(toDeploy);
  }

  /** Number of the next release of `app`. */
  nextRelease(app: string): string {
    const sql = "SELECT count(*) AS n FROM deploys WHERE app = ? AND release IS NOT NULL";
    return `v${Number(this.#db.one(sql, app)?.["n"] ?? 0) + 1}`;
  }

  built(id: string, build: BuildResult, release: string): void {
    const sql = "UPDATE deploys SET build = ?, release = ?, state = 'running' WHERE id = ?";
    this.#db.run(sql, JSON.stringify(build), release, id);
  }

  running(id: string): void {
    this.#db.run("UPDATE deploys SET state = 'running' WHERE id = ?", id);
  }

  finish(id: string, state: DeployState, failure?: DeployFailure): void {
    const sql = "UPDATE deploys SET state = ?, finished_at_ms = ?, failure = ? WHERE id = ?";
    this.#db.run(
      sql,
      state,
      Date.now(),
      failure === undefined ? null : JSON.stringify(failure),
      id,
    );
  }

  /** Adds an event and tells whoever watches. */
  event(event: Omit<DeployEvent, "seq" | "atMs">): void {
    const atMs = Date.now();
    const seq = this.#db.run(
      "INSERT INTO events (deploy, at_ms, phase, status, message, ms) VALUES (?, ?, ?, ?, ?, ?)",
      event.deployId,
      atMs,
      event.phase,
      event.status,
      event.message,
      event.ms === undefined ? null : Math.round(event.ms),
    );
    if (seq % 1_000 === 0) this.#db.run("DELETE FROM events WHERE seq < ?", seq - EVENTS_KEPT);
    for (const watch of this.#watchers) watch({ ...event, seq, atMs });
  }

  /** Events of one deploy after `seq`, oldest first. */
  events(id: string, seq: number): DeployEvent[] {
    const sql = "SELECT * FROM events WHERE deploy = ? AND seq > ? ORDER BY seq";
    return this.#db.all(sql, id, seq).map(toEvent);
  }

  /** Calls `watch` with each event from now on. @returns a function that ends it */
  watch(watch: (event: DeployEvent) => void): () => void {
    this.#watchers.add(watch);
    return () => void this.#watchers.delete(watch);
  }
}

const text = (value: Row[string] | undefined): string => String(value ?? "");

function toDeploy(row: Row): DeployRecord {
  const { finished_at_ms, release, build, failure, traceparent } = row;
  return {
    id: text(row["id"]),
    app: text(row["app"]),
    source: text(row["source"]),
    state: text(row["state"]) as DeployState,
    createdAtMs: Number(row["created_at_ms"]),
    ...(finished_at_ms !== null && { finishedAtMs: Number(finished_at_ms) }),
    ...(release !== null && { release: text(release) }),
    ...(build !== null && { build: JSON.parse(text(build)) as BuildResult }),
    ...(failure !== null && { failure: JSON.parse(text(failure)) as DeployFailure }),
    ...(traceparent !== null && {
      traceparent: text(traceparent),
      traceId: text(traceparent).split("-")[1] ?? "",
    }),
  };
}

function toEvent(row: Row): DeployEvent {
  return {
    seq: Number(row["seq"]),
    deployId: text(row["deploy"]),
    atMs: Number(row["at_ms"]),
    phase: text(row["phase"]) as DeployEvent["phase"],
    status: text(row["status"]) as DeployEvent["status"],
    message: text(row["message"]),
    ...(row["ms"] !== null && { ms: Number(row["ms"]) }),
  };
}
