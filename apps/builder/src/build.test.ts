import { createHash } from "node:crypto";
import { access, copyFile, cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { BuildLine } from "./step-run.ts";
import { sample, TestFolder, until } from "./testing.ts";

const gone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

test("the express sample is built with npm ci, and again from the cache with the same digest", async () => {
  await using folder = await TestFolder.make();
  const source = await folder.archive(sample("node-express"));
  const lines: BuildLine[] = [];
  const spans: string[] = [];
  await using first = folder.build(source, {
    onLine: (line) => lines.push(line),
    span: (name, _attributes, fn) => {
      spans.push(name);
      return fn();
    },
  });
  const { result, artifactFile } = await first.run();
  expect(result.steps).toMatchObject([{ name: "install", cached: false }]);
  expect(result.plan.health).toEqual({ path: "/health" });
  expect(lines.some(({ line }) => /added \d+ packages/.test(line))).toBe(true);
  expect(spans).toEqual(["unpack", "detect", "install install", "package"]);
  const bytes = await readFile(artifactFile);
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(result.artifact);
  expect(bytes.length).toBe(result.sizeBytes);
  await using second = folder.build(source);
  const again = (await second.run()).result;
  expect(again.steps).toMatchObject([{ name: "install", cached: true }]);
  expect(again.artifact).toBe(result.artifact);
}, 60_000);

test.each(["python-stdlib", "static-site", "never-listens"])(
  "the %s sample is built twice to the same digest",
  async (name) => {
    await using folder = await TestFolder.make();
    const source = await folder.archive(sample(name));
    await using first = folder.build(source);
    await using second = folder.build(source);
    const one = await first.run();
    expect((await second.run()).result.artifact).toBe(one.result.artifact);
    expect(one.result.steps).toEqual([]);
  },
);

test("the digest does not depend on file times or on the order of the archive, but on contents", async () => {
  await using folder = await TestFolder.make();
  const app = await folder.write({ "index.html": "a", "b/c.css": "c", "@x/y.css": "y" });
  await using first = folder.build(await folder.archive(app, "1.tar.gz"));
  await cp(app, join(folder.path, "copy"), { recursive: true });
  await using second = folder.build(await folder.archive(join(folder.path, "copy"), "2.tar"));
  await writeFile(join(app, "b/c.css"), "d");
  await using third = folder.build(await folder.archive(app, "3.tar.gz"));
  const digests = await Promise.all(
    [first, second, third].map(async (one) => (await one.run()).result),
  );
  expect(digests[1]?.artifact).toBe(digests[0]?.artifact);
  expect(digests[2]?.artifact).not.toBe(digests[0]?.artifact);
});

test("a failing build script gives its exit code, its last lines and the error it threw", async () => {
  await using folder = await TestFolder.make();
  await using build = folder.build(await folder.archive(sample("broken-build")));
  const error = await build.run().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "ERR_BUILD_STEP",
    phase: "build",
    step: "build",
    exitCode: 1,
    retryable: false,
  });
  expect(error).toHaveProperty("message", expect.stringContaining("links to pages/prices.html"));
  expect(error).toHaveProperty("lastLines", expect.arrayContaining(["checking 2 pages"]));
});

test("a lock file that does not match names the packages and the way out", async () => {
  await using folder = await TestFolder.make();
  const manifest = {
    scripts: { start: "node a.js" },
    dependencies: { express: "5.3.0", "is-number": "7.0.0" },
  };
  const app = await folder.write({ "package.json": JSON.stringify(manifest) });
  await copyFile(join(sample("node-express"), "package-lock.json"), join(app, "package-lock.json"));
  await using build = folder.build(await folder.archive(app));
  await expect(build.run()).rejects.toMatchObject({
    code: "ERR_BUILD_LOCKFILE",
    phase: "install",
    message: expect.stringMatching(/does not match.*is-number@7\.0\.0.*run npm install and commit/),
  });
}, 30_000);

test("a program that is not there is told as such", async () => {
  await using folder = await TestFolder.make();
  const config = { start: "./x", build: ["no-such-program-at-all --now"] };
  const app = await folder.write({ "zeroplane.json": JSON.stringify(config) });
  await using build = folder.build(await folder.archive(app));
  await expect(build.run()).rejects.toMatchObject({ code: "ERR_BUILD_TOOL", exitCode: 127 });
});

test("cancelling kills the whole process group, even one that ignores SIGTERM", async () => {
  await using folder = await TestFolder.make();
  const child = "trap '' TERM; echo child $$; while :; do sleep 0.1; done";
  const config = { start: "./x", build: [`sh -c "${child.replaceAll("$", "\\$")}" & wait`] };
  const app = await folder.write({ "zeroplane.json": JSON.stringify(config) });
  const abort = new AbortController();
  let pid: number | undefined;
  await using build = folder.build(await folder.archive(app), {
    signal: abort.signal,
    onLine: ({ line }) => {
      pid ??= Number(/^child (\d+)$/.exec(line)?.[1]);
    },
  });
  const running = build.run().catch((thrown: unknown) => thrown);
  const found = await until(() => pid);
  abort.abort();
  expect(await running).toMatchObject({ code: "ERR_BUILD_CANCELLED", phase: "build" });
  await until(() => gone(found));
});

test("a step over its time is ended and told with its last lines", async () => {
  await using folder = await TestFolder.make();
  const config = { start: "./x", build: ["echo begun; sleep 60"] };
  const app = await folder.write({ "zeroplane.json": JSON.stringify(config) });
  await using build = folder.build(await folder.archive(app), { limits: { stepTimeoutMs: 300 } });
  await expect(build.run()).rejects.toMatchObject({
    code: "ERR_BUILD_TIMEOUT",
    lastLines: ["begun"],
  });
});

test("a daemon that a step leaves behind does not hold the build", async () => {
  await using folder = await TestFolder.make();
  const config = { start: "./x", build: ["sleep 60 & echo daemon $!"] };
  const app = await folder.write({ "zeroplane.json": JSON.stringify(config) });
  let pid = 0;
  await using build = folder.build(await folder.archive(app), {
    onLine: ({ line }) => {
      pid = Number(line.split(" ")[1]);
    },
  });
  await build.run();
  await until(() => gone(pid));
});

test("output over the cap is counted, not handed on", async () => {
  await using folder = await TestFolder.make();
  const config = { start: "./x", build: ["seq 1 1000"] };
  const app = await folder.write({ "zeroplane.json": JSON.stringify(config) });
  const lines: string[] = [];
  await using build = folder.build(await folder.archive(app), {
    limits: { outputBytes: 20 },
    onLine: ({ line }) => lines.push(line),
  });
  await build.run();
  expect(lines.slice(0, -1)).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  expect(lines.at(-1)).toContain("991 lines (3875 bytes) of output left out");
});

test("steps see nothing of the builder's environment but what they need", async () => {
  process.env["ZP_SECRET_OF_THE_BUILDER"] = "1";
  process.env["OTEL_SECRET"] = "1";
  await using folder = await TestFolder.make();
  const app = await folder.write({ "zeroplane.json": '{"start":"./x","build":["env"]}' });
  const lines: string[] = [];
  await using build = folder.build(await folder.archive(app), {
    onLine: ({ line }) => lines.push(line),
  });
  await build.run();
  expect(lines.filter((line) => /^(ZP_|OTEL_|VITEST|npm_lifecycle)/.test(line))).toEqual([]);
  expect(lines.some((line) => line.startsWith(`HOME=${folder.path}`))).toBe(true);
});

test("the folder of a build is gone after it was disposed", async () => {
  await using folder = await TestFolder.make();
  const app = await folder.write({ "index.html": "a" });
  let artifact = "";
  {
    await using build = folder.build(await folder.archive(app));
    artifact = (await build.run()).artifactFile;
    await access(artifact);
  }
  await expect(access(artifact)).rejects.toThrow(/ENOENT/);
});
