import { randomBytes } from "node:crypto";
import { currentCall } from "@zeroplane/rpc";
import { currentTraceparent } from "@zeroplane/tracing";
import { ApiError } from "./api-error.ts";
import { type Addresses, type Apps, inUse } from "./apps.ts";
import type { Blobs } from "./blobs.ts";
import type { DeployRecord, DeployStore } from "./deploy-store.ts";
import type { Deploy, DeployEvent, Digest } from "./model.ts";

/** What is to be deployed. */
export interface NewDeploy {
  readonly app: string;
  /** The source tarball, already in the blob store. */
  readonly source: Digest;
  /** Where it comes from: user, host and folder. */
  readonly origin?: string;
  /**
   * `own` (default): create the app, or deploy onto one of the same origin; `any`: also onto one
   * of another origin.
   */
  readonly onto?: "own" | "any";
  /** A second deploy with the same key is the first one. */
  readonly key?: string;
}

/** What a deploy needs of the rest. */
export interface DeploysParts {
  readonly apps: Apps;
  readonly blobs: Blobs;
  readonly store: DeployStore;
  readonly addresses: Addresses;
  /** Creates the app that a deploy is the first of: it goes again if none of its deploys succeeds. */
  readonly born: (app: string, of: { readonly origin: string; readonly id: string }) => void;
  /** Takes up a new deploy; returns at once. */
  readonly start: (deploy: DeployRecord) => void;
}

const EVENTS_WAITING_MAX = 10_000;

/** Deploys of every app of this platform. */
export class Deploys {
  readonly #parts: DeploysParts;

  constructor(parts: DeploysParts) {
    this.#parts = parts;
  }

  /**
   * Starts a deploy; resolves once it is safe in the platform's database.
   * @throws ApiError ERR_NOT_FOUND when the source was not uploaded, ERR_NAME_IN_USE when the name
   *   is an app of another origin, ERR_INVALID for a bad name
   */
  async create(wanted: NewDeploy): Promise<Deploy> {
    const { app, source, origin = "", onto = "own", key } = wanted;
    const { blobs, store, start } = this.#parts;
    if (!(await blobs.has(source))) {
      throw new ApiError("ERR_NOT_FOUND", `the source ${source.slice(0, 12)} was not uploaded`);
    }
    const id = `d-${randomBytes(6).toString("hex")}`;
    this.#claim(app, { origin, onto, id });
    const traceparent = currentTraceparent();
    const fresh: DeployRecord = {
      id,
      app,
      source,
      state: "queued",
      createdAtMs: Date.now(),
      ...(traceparent !== undefined && { traceparent }),
    };
    const deploy = store.insert(fresh, key);
    if (deploy.id === id) start(deploy);
    return this.#toDeploy(deploy);
  }

  /** A deploy by its id. @throws ApiError ERR_NOT_FOUND when there is none */
  get(id: string): Deploy {
    const deploy = this.#parts.store.get(id);
    if (deploy === undefined)
      throw new ApiError("ERR_NOT_FOUND", `no deploy ${JSON.stringify(id)}`);
    return this.#toDeploy(deploy);
  }

  /**
   * Deploys, newest first.
   * @param app of this app only
   * @param count how many at most (default 20)
   */
  list(app?: string, count = 20): Deploy[] {
    return this.#parts.store.list(app ?? undefined, count).map((each) => this.#toDeploy(each));
  }

  /**
   * What happens to a deploy, from the event after `seq` on (default from the first), until it has
   * ended. Can be taken up again after a break.
   */
  async *watch(id: string, seq = 0): AsyncGenerator<DeployEvent> {
    this.get(id);
    const { store } = this.#parts;
    const signal = currentCall()?.signal;
    const fresh: DeployEvent[] = [];
    let wake: (() => void) | undefined;
    const stop = store.watch((event) => {
      if (event.deployId === id && fresh.length < EVENTS_WAITING_MAX) fresh.push(event);
      wake?.();
    });
    const aborted = (): void => wake?.();
    signal?.addEventListener("abort", aborted, { once: true });
    try {
      let last = seq;
      fresh.unshift(...store.events(id, seq));
      while (signal?.aborted !== true) {
        for (const event of fresh.splice(0)) {
          if (event.seq <= last) continue;
          last = event.seq;
          yield event;
          if (event.phase === "done") return;
        }
        if (fresh.length > 0) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      stop();
      signal?.removeEventListener("abort", aborted);
    }
  }

  #claim(
    name: string,
    wanted: { readonly origin: string; readonly onto: "own" | "any"; readonly id: string },
  ): void {
    const { apps } = this.#parts;
    const known = apps.list().find((each) => each.name === name);
    if (known === undefined) this.#parts.born(name, wanted);
    else if (wanted.onto === "own" && known.origin !== wanted.origin)
      throw inUse(name, known.origin);
  }

  #toDeploy({ traceparent: _traceparent, ...deploy }: DeployRecord): Deploy {
    const url = this.#parts.addresses.urlOf(deploy.app);
    return { ...deploy, ...(deploy.state === "live" && url !== undefined && { url }) };
  }
}
