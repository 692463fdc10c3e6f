import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openQueue, openState } from "@zeroplane/patterns";
import type { Life } from "@zeroplane/runtime";
import { Apps } from "./apps.ts";
import { Blobs } from "./blobs.ts";
import { Builds } from "./builds.ts";
import type { Config } from "./config.ts";
import { Database } from "./database.ts";
import { DeployStore } from "./deploy-store.ts";
import { Deploys } from "./deploys.ts";
import { InstanceStore } from "./instance-store.ts";
import type { BuildJob, BuildResult, DesiredInstance, Route } from "./model.ts";
import { Placement } from "./placement.ts";
import { Platform } from "./platform.ts";
import { toRoute } from "./rollout.ts";
import { Rollouts } from "./rollouts.ts";
import { Routers } from "./routers.ts";
import { Runners } from "./runners.ts";

/** Everything the deploy API serves, by name. */
export interface DeployApi {
  readonly apps: Apps;
  readonly blobs: Blobs;
  readonly deploys: Deploys;
  readonly platform: Platform;
  readonly routers: Routers;
  readonly runners: Runners;
}

/** Puts the deploy API together on the listener of `life`. */
export async function wire(life: Life<Config>): Promise<DeployApi> {
  const { config, interceptors, signal } = life;
  mkdirSync(config.ZP_DATA, { recursive: true });
  const db = life.use(new Database(join(config.ZP_DATA, "platform.db")));
  const deploys = new DeployStore(db);
  const instances = new InstanceStore(db);
  const blobs = new Blobs(join(config.ZP_DATA, "blobs"));
  const listener = await life.listener();
  const desired = life.use(openState<DesiredInstance>("desired", listener, { interceptors }));
  const routes = life.use(openState<Route>("routes", listener, { interceptors }));
  const builds = new Builds(() => queue);
  const queue = life.use(
    openQueue<BuildJob, BuildResult>("builds", listener, {
      file: join(config.ZP_DATA, "builds.db"),
      interceptors,
      onChange: (job) => builds.changed(job),
      onProgress: (id, value) => builds.progressed(id, value),
    }),
  );
  const placement = new Placement(instances, desired);
  const { ZP_DOMAIN: domain, ZP_PUBLIC_URL: publicUrl } = config;
  const routers = new Routers(() => routes.viewers(), { domain, publicUrl });
  const setRelease = (app: string, release: string): void => {
    db.run("UPDATE apps SET release = ? WHERE name = ?", release, app);
  };
  const dropUnborn = (app: string): void => {
    if (deploys.unfinished().some((each) => each.app === app)) return;
    db.run("DELETE FROM apps WHERE name = ? AND born_of IS NOT NULL AND release IS NULL", app);
  };
  const parts = { builds, deploys, instances, placement, routes, routers, setRelease, dropUnborn };
  const rollouts = new Rollouts(parts, signal);
  const retire = async (app: string): Promise<void> => {
    routes.delete(`routes/${routers.hostOf(app)}`);
    placement.stop(instances.wanted(app).map(({ id }) => id));
  };
  const apps = new Apps(db, instances, { addresses: routers, retire });
  for (const { name, release } of apps.list()) {
    const serving = instances.wanted(name).filter((each) => each.release === release);
    const host = routers.hostOf(name);
    if (serving.length > 0) routes.set(`routes/${host}`, toRoute(host, serving));
  }
  rollouts.resume();
  const born = (
    app: string,
    { origin, id }: { readonly origin: string; readonly id: string },
  ): void => {
    apps.create(app, origin);
    db.run("UPDATE apps SET born_of = ? WHERE name = ?", id, app);
  };
  const runners = new Runners(instances, placement);
  const start = (deploy: Parameters<Rollouts["start"]>[0]): void => rollouts.start(deploy);
  return {
    apps,
    blobs,
    deploys: new Deploys({ apps, blobs, store: deploys, addresses: routers, born, start }),
    platform: new Platform(routers, runners, () => queue.stats()),
    routers,
    runners,
  };
}
