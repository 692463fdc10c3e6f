import { createHash } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWorker } from "@zeroplane/patterns";
import { type Connected, connect } from "@zeroplane/rpc";
import { Life, readConfig, uploadFile } from "@zeroplane/runtime";
import { describe, expect, test } from "vitest";
import { Config } from "./config.ts";
import type { BuildJob, BuildResult, DeployEvent } from "./model.ts";
import { type DeployApi, wire } from "./wiring.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "zp-api-"));

interface Api extends AsyncDisposable {
  readonly endpoint: string;
  readonly client: Connected<DeployApi>;
}

async function startApi(data: string, bind = "tcp://127.0.0.1:*"): Promise<Api> {
  const config = readConfig(Config, { ZP_DATA: data, ZP_BIND: bind, ZP_LOG_LEVEL: "fatal" });
  const stop = new AbortController();
  const life = new Life("deploy-api", config, stop.signal);
  const endpoint = await life.serve({ ...(await wire(life)) });
  const client = connect<DeployApi>(endpoint);
  const dispose = async (): Promise<void> => {
    stop.abort(new Error("stop"));
    await client[Symbol.asyncDispose]();
    await life[Symbol.asyncDispose]();
  };
  return { endpoint, client, [Symbol.asyncDispose]: dispose };
}

async function upload(client: Connected<DeployApi>, text: string): Promise<string> {
  const file = join(folder(), "source");
  writeFileSync(file, text);
  return uploadFile(client.blobs, file);
}

async function watch(client: Connected<DeployApi>, id: string): Promise<DeployEvent[]> {
  return Array.fromAsync(client.deploys.watch(id));
}

describe("blobs", () => {
  test("come back byte by byte, from any offset", async () => {
    await using api = await startApi(folder());
    const digest = await upload(api.client, "hello blob");
    const read = async (offset: number): Promise<string> =>
      Buffer.concat(await Array.fromAsync(api.client.blobs.read(digest, offset))).toString();
    expect(await read(0)).toBe("hello blob");
    expect(await read(6)).toBe("blob");
  });

  test("are refused when their bytes are not what their name says, or come out of order", async () => {
    await using api = await startApi(folder());
    const { blobs } = api.client;
    const digest = createHash("sha256").update("right").digest("hex");
    await blobs.append(digest, 0, Buffer.from("wrong"));
    await expect(blobs.append(digest, 2, Buffer.from("x"))).rejects.toMatchObject({
      data: { received: 5 },
    });
    await expect(blobs.finish(digest)).rejects.toMatchObject({
      code: "ERR_DIGEST",
      retryable: true,
    });
    expect(await blobs.has(digest)).toBe(false);
    await expect(blobs.has("../../etc/passwd")).rejects.toMatchObject({ code: "ERR_INVALID" });
  });
});

describe("apps", () => {
  test("have a name that fits a host name, and only one has it", async () => {
    await using api = await startApi(folder());
    const { apps } = api.client;
    await apps.create("shop", "me@here:/shop");
    await expect(apps.create("shop")).rejects.toThrow(/in use \(first deployed from me@here/);
    await expect(apps.create("No Good")).rejects.toMatchObject({ code: "ERR_INVALID" });
    await expect(apps.get("nothing")).rejects.toThrow(/no app "nothing"; there are: shop/);
    await apps.destroy("shop");
    expect(await apps.list()).toEqual([]);
  });
});

describe("a deploy", () => {
  test("needs a source that was uploaded", async () => {
    await using api = await startApi(folder());
    const wanted = { app: "shop", source: "0".repeat(64) };
    await expect(api.client.deploys.create(wanted)).rejects.toThrow(/was not uploaded/);
    expect(await api.client.apps.list()).toEqual([]);
  });

  test("onto an app of another origin must be asked for", async () => {
    await using api = await startApi(folder());
    const source = await upload(api.client, "x");
    await api.client.apps.create("shop", "somebody");
    const wanted = { app: "shop", source, origin: "me" };
    await expect(api.client.deploys.create(wanted)).rejects.toMatchObject({
      code: "ERR_NAME_IN_USE",
    });
    expect((await api.client.deploys.create({ ...wanted, onto: "any" })).state).toMatch(
      /queued|running/,
    );
  });

  test("with the same key is the same deploy", async () => {
    await using api = await startApi(folder());
    const source = await upload(api.client, "x");
    const wanted = { app: "shop", source, key: "once" };
    const [a, b] = [
      await api.client.deploys.create(wanted),
      await api.client.deploys.create(wanted),
    ];
    expect(b.id).toBe(a.id);
    expect(await api.client.deploys.list("shop")).toHaveLength(1);
  });

  test("whose build fails tells the builder's error, hint and last lines", async () => {
    await using api = await startApi(folder());
    const source = await upload(api.client, "x");
    await using _builder = startWorker<BuildJob, BuildResult>(
      api.endpoint,
      "builds",
      (job, context) => {
        context.progress({ step: "install", status: "started" });
        throw Object.assign(new Error(`${job.app} does not build`), {
          code: "ERR_BUILD_STEP",
          retryable: false,
          data: { hint: "mend it", lastLines: ["oh no"] },
        });
      },
    );
    const { id } = await api.client.deploys.create({ app: "shop", source });
    const events = await watch(api.client, id);
    expect(events.map(({ phase, status }) => `${phase} ${status}`)).toEqual(
      expect.arrayContaining(["build started", "build progress", "build failed", "done failed"]),
    );
    const { state, failure } = await api.client.deploys.get(id);
    expect(state).toBe("failed");
    expect(failure).toMatchObject({
      phase: "build",
      code: "ERR_BUILD_STEP",
      message: "shop does not build",
      hint: "mend it",
      lastLines: ["oh no"],
    });
    expect(failure?.traceback).toMatch(/--- remote: builds\.work/);
  });

  test("without a runner fails and leaves nothing half made", async () => {
    await using api = await startApi(folder());
    const source = await upload(api.client, "x");
    await using _builder = startWorker<BuildJob, BuildResult>(api.endpoint, "builds", fakeBuild);
    const { id } = await api.client.deploys.create({ app: "shop", source });
    await watch(api.client, id);
    expect((await api.client.deploys.get(id)).failure).toMatchObject({
      phase: "start",
      code: "ERR_NO_CAPACITY",
    });
    expect(await api.client.apps.list()).toEqual([]);
  });

  test("that a restart has interrupted goes on", async () => {
    const data = folder();
    const first = await startApi(data);
    const source = await upload(first.client, "x");
    const { id } = await first.client.deploys.create({ app: "shop", source });
    const { endpoint } = first;
    await first[Symbol.asyncDispose]();
    await using second = await startApi(data, endpoint);
    expect((await second.client.deploys.get(id)).state).toBe("running");
    await using _builder = startWorker<BuildJob, BuildResult>(endpoint, "builds", fakeBuild);
    await watch(second.client, id);
    expect((await second.client.deploys.get(id)).release).toBe("v1");
  });
});

/** A builder's answer, for what comes after the build. */
function fakeBuild(job: BuildJob): BuildResult {
  const plan = {
    provider: "node",
    evidence: [],
    steps: [],
    processes: { web: "true" },
    health: {},
  } as const;
  const { source: artifact } = job;
  return { artifact, sizeBytes: 1, plan, steps: [], buildMs: 1, builder: "test" };
}
