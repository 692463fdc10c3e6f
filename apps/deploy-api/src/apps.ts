import { ApiError } from "./api-error.ts";
import type { Database, Row } from "./database.ts";
import type { InstanceStore } from "./instance-store.ts";
import type { App, ObservedInstance } from "./model.ts";

/** How apps are found from outside. */
export interface Addresses {
  /** The host name of an app. */
  hostOf(app: string): string;
  /** Where an app answers, or `undefined` while no router is there. */
  urlOf(app: string): string | undefined;
}

const NAME = /^[a-z][a-z0-9-]{0,39}$/;

/** The apps of this platform. */
export class Apps {
  readonly #db: Database;
  readonly #instances: InstanceStore;
  readonly #addresses: Addresses;
  readonly #retire: (app: string) => Promise<void>;

  /** @param retire stops whatever runs of an app */
  constructor(
    db: Database,
    instances: InstanceStore,
    parts: { readonly addresses: Addresses; readonly retire: (app: string) => Promise<void> },
  ) {
    this.#db = db;
    this.#instances = instances;
    this.#addresses = parts.addresses;
    this.#retire = parts.retire;
  }

  /**
   * Creates an app.
   * @param name lower-case letters, digits and dashes, at most 40; it becomes part of a host name
   * @param origin where it comes from, to tell two apps of one name apart
   * @throws ApiError ERR_INVALID for a bad name, ERR_NAME_IN_USE when there is one of that name
   */
  create(name: string, origin = ""): App {
    if (!NAME.test(name)) {
      const rule = "use lower-case letters, digits and dashes, a letter first, at most 40";
      throw new ApiError("ERR_INVALID", `not an app name: ${JSON.stringify(name)}; ${rule}`);
    }
    const known = this.#db.one("SELECT * FROM apps WHERE name = ?", name);
    if (known !== undefined) throw inUse(name, String(known["origin"]));
    const sql = "INSERT INTO apps (name, origin, created_at_ms) VALUES (?, ?, ?)";
    this.#db.run(sql, name, origin, Date.now());
    return this.get(name);
  }

  /** An app by its name. @throws ApiError ERR_NOT_FOUND when there is none */
  get(name: string): App {
    const row = this.#db.one("SELECT * FROM apps WHERE name = ?", name);
    if (row === undefined) {
      const names = this.#db.all("SELECT name FROM apps ORDER BY name LIMIT 10");
      const known = names.map(({ name: each }) => String(each)).join(", ") || "none yet";
      throw new ApiError("ERR_NOT_FOUND", `no app ${JSON.stringify(name)}; there are: ${known}`);
    }
    return this.#toApp(row);
  }

  /** Every app, by name. */
  list(): App[] {
    return this.#db.all("SELECT * FROM apps ORDER BY name").map((row) => this.#toApp(row));
  }

  /** Stops an app and forgets it. Its releases' artifacts stay in the blob store. */
  async destroy(name: string): Promise<void> {
    this.get(name);
    await this.#retire(name);
    this.#db.run("DELETE FROM apps WHERE name = ?", name);
  }

  #toApp(row: Row): App {
    const name = String(row["name"]);
    const url = this.#addresses.urlOf(name);
    const release = row["release"];
    const instances = this.#instances.wanted(name).map(({ observed }) => observed);
    return {
      name,
      origin: String(row["origin"]),
      createdAtMs: Number(row["created_at_ms"]),
      ...(typeof release === "string" && { release }),
      ...(typeof release === "string" && url !== undefined && { url }),
      instances: instances.filter((each): each is ObservedInstance => each !== undefined),
    };
  }
}

/** The name is somebody else's. */
export function inUse(name: string, origin: string): ApiError {
  const from = origin === "" ? "" : ` (first deployed from ${origin})`;
  const hint = `choose another with --app NAME, or deploy onto it with --app ${name}`;
  return new ApiError("ERR_NAME_IN_USE", `the app name ${name} is in use${from}; ${hint}`, {
    origin,
  });
}
