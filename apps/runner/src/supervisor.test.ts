import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { PidJournal } from "./pid-journal.ts";
import { desired, isGone, TestHost, until } from "./testing.ts";

const SERVER = `
  import { createServer } from "node:http";
  const server = createServer((request, response) => {
    if (request.url === "/crash") { console.log("about to crash"); process.exit(3); }
    if (request.url === "/hang") { server.removeAllListeners("request"); response.end("hung"); return; }
    response.end(JSON.stringify(process.env));
  });
  server.listen(Number(process.env.PORT), "127.0.0.1");
  process.on("SIGTERM", () => { console.log("last words"); process.exit(0); });
`;

const FILES = { "app.js": SERVER, "package.json": '{"type":"module"}' };

const ask = (port: number | undefined, path = "/"): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } });

test("an instance is fetched, started with its own environment only, seen healthy and stopped", async () => {
  process.env["ZP_SECRET_OF_THE_RUNNER"] = "1";
  await using host = await TestHost.make();
  const artifact = await host.artifact(FILES);
  await using supervisor = await host.supervisor();
  const more = { env: { COLOR: "blue", PORT: "1" }, traceparent: "00-1-2-01" };
  supervisor.reconcile([desired("shop.1", artifact, { ...more, health: { path: "/up" } })]);
  const { port, pid } = await host.sees("shop.1", "healthy");
  const env = (await (await ask(port)).json()) as Record<string, string>;
  expect(env).toMatchObject({
    COLOR: "blue",
    PORT: String(port),
    ZP_APP: "shop",
    ZP_INSTANCE: "shop.1",
    ZP_RELEASE: "r1",
    TRACEPARENT: "00-1-2-01",
  });
  expect(Object.keys(env).filter((name) => /SECRET|VITEST|npm_/.test(name))).toEqual([]);
  supervisor.reconcile([]);
  const stopped = await host.sees("shop.1", "stopped");
  expect(stopped.exit).toEqual({ code: 0, signal: null });
  expect(host.lines).toEqual([{ instance: "shop.1", stream: "stdout", line: "last words" }]);
  expect(host.states("shop.1")).toEqual(["starting", "healthy", "stopped"]);
  expect(isGone(pid ?? 0)).toBe(true);
  expect(await readdir(join(host.folder, "data/homes"))).toEqual([]);
  expect(supervisor.observed()).toEqual([]);
});

test("two instances of one release share its folder, and neither ever has the other's port", async () => {
  await using host = await TestHost.make();
  const artifact = await host.artifact(FILES);
  await using supervisor = await host.supervisor();
  const both = [desired("a", artifact), desired("b", artifact)];
  for (let repeat = 0; repeat < 3; repeat++) supervisor.reconcile(both);
  const a = await host.sees("a", "healthy");
  const b = await host.sees("b", "healthy");
  expect(a.port).not.toBe(b.port);
  expect(host.fetched).toEqual([artifact]);
  expect(supervisor.observed()).toHaveLength(2);
  const later = { deployId: "d2", traceparent: "00-9-9-01" };
  supervisor.reconcile([
    desired("a", artifact, later),
    desired("b", artifact),
    desired("c", artifact),
  ]);
  await host.sees("c", "healthy");
  expect(host.states("a")).toEqual(["starting", "healthy"]);
});

test("a crash is reported with exit and last lines, and the app is started again on its port", async () => {
  await using host = await TestHost.make();
  const artifact = await host.artifact(FILES);
  await using supervisor = await host.supervisor();
  supervisor.reconcile([desired("a", artifact)]);
  const { port, pid } = await host.sees("a", "healthy");
  const seen = host.observed.length;
  await ask(port, "/crash").catch(() => {});
  const crashed = await host.sees("a", "restarting", seen);
  expect(crashed.exit).toEqual({ code: 3, signal: null });
  expect(crashed.lastLines).toEqual(["about to crash"]);
  expect(crashed.reason).toBe("the process ended with code 3");
  const again = await host.sees("a", "healthy", seen);
  expect(again).toMatchObject({ port, restarts: 1 });
  expect(again.pid).not.toBe(pid);
  expect((await ask(port)).status).toBe(200);
});

test("a healthy app that stops answering is restarted after three failed probes", async () => {
  await using host = await TestHost.make();
  const artifact = await host.artifact(FILES);
  await using supervisor = await host.supervisor({ timing: { probeTimeoutMs: 100 } });
  supervisor.reconcile([desired("a", artifact, { health: { path: "/" } })]);
  const { port } = await host.sees("a", "healthy");
  await ask(port, "/hang");
  const restarting = await host.sees("a", "restarting");
  expect(restarting.reason).toMatch(/^3 probes failed: GET \/ on port \d+: no answer in 100 ms$/);
  expect(restarting.probes?.at(-1)).toContain("3 times");
  await until(() => host.observed.at(-1)?.state === "healthy");
});

test("an app that never listens fails with the reason, its last lines and what the probes saw", async () => {
  await using host = await TestHost.make();
  const sample = fileURLToPath(new URL("../../../tools/samples/never-listens/", import.meta.url));
  const files = { "server.js": await readFile(join(sample, "server.js"), "utf8") };
  const artifact = await host.artifact({ ...files, "package.json": '{"type":"module"}' });
  await using supervisor = await host.supervisor();
  const command = "exec node server.js";
  supervisor.reconcile([desired("a", artifact, { command, health: { timeoutMs: 400 } })]);
  const failed = await host.sees("a", "failed");
  expect(failed.reason).toMatch(/not healthy within 0\.4 s, .*ECONNREFUSED; .*variable PORT/);
  expect(failed.lastLines).toContain("waiting for the database, attempt 1");
  expect(failed.probes?.[0]).toMatch(/connect to port \d+: ECONNREFUSED \(\d+ times/);
  expect(host.states("a")).not.toContain("healthy");
});

test("an app that ends before it listens fails at once with its last words", async () => {
  await using host = await TestHost.make();
  const artifact = await host.artifact({ "app.js": 'throw new Error("no database configured")' });
  await using supervisor = await host.supervisor();
  supervisor.reconcile([desired("a", artifact)]);
  const failed = await host.sees("a", "failed");
  expect(failed.reason).toMatch(/^the process ended with code 1 before it answered on port \d+$/);
  expect(failed.lastLines?.join("\n")).toContain("no database configured");
});

test("one that failed first and works later becomes healthy", async () => {
  await using host = await TestHost.make();
  const artifact = await host.artifact(FILES);
  await using supervisor = await host.supervisor();
  const command = 'test -e "$HOME/second" || { touch "$HOME/second"; exit 1; }; exec node app.js';
  supervisor.reconcile([desired("a", artifact, { command })]);
  await host.sees("a", "healthy");
  expect(host.states("a")).toEqual(["starting", "failed", "healthy"]);
});

test("stopping ends the whole group, even a member that ignores SIGTERM", async () => {
  await using host = await TestHost.make();
  const artifact = await host.artifact(FILES);
  await using supervisor = await host.supervisor();
  const stubborn = `sh -c "trap '' TERM; echo child \\$\\$; while :; do sleep 0.1; done" &`;
  supervisor.reconcile([desired("a", artifact, { command: `${stubborn} exec node app.js` })]);
  await host.sees("a", "healthy");
  const child = await until(() => host.lines.find(({ line }) => line.startsWith("child ")));
  supervisor.reconcile([]);
  await host.sees("a", "stopped");
  await until(() => isGone(Number(child.line.split(" ")[1])));
  expect(host.lines.map(({ line }) => line)).toContain("last words");
});

test("ten thousand lines printed right before the end all arrive, in order", async () => {
  await using host = await TestHost.make();
  const artifact = await host.artifact({});
  await using supervisor = await host.supervisor({ timing: { backoffMs: 60_000 } });
  supervisor.reconcile([desired("a", artifact, { command: "seq 1 10000; printf end" })]);
  const failed = await host.sees("a", "failed");
  expect(host.lines.map(({ line }) => line)).toEqual([
    ...Array.from({ length: 10_000 }, (_, index) => String(index + 1)),
    "end",
  ]);
  expect(failed.lastLines).toHaveLength(100);
  expect(failed.lastLines?.at(-1)).toBe("end");
});

test("an instance wanted otherwise is stopped, then started as wanted, under the same name", async () => {
  await using host = await TestHost.make();
  const artifact = await host.artifact(FILES);
  await using supervisor = await host.supervisor();
  supervisor.reconcile([desired("a", artifact)]);
  await host.sees("a", "healthy");
  const seen = host.observed.length;
  supervisor.reconcile([desired("a", artifact, { env: { COLOR: "red" } })]);
  supervisor.reconcile([desired("a", artifact, { env: { COLOR: "green" } })]);
  const { port } = await host.sees("a", "healthy", seen);
  expect(await (await ask(port)).json()).toMatchObject({ COLOR: "green" });
  expect(host.states("a")).toEqual(["starting", "healthy", "stopped", "starting", "healthy"]);
});

test("an artifact that cannot be had, or is not what it says, fails with the reason", async () => {
  await using host = await TestHost.make();
  const artifact = await host.artifact(FILES);
  await using supervisor = await host.supervisor({
    fetchArtifact: async (digest, toFile) => {
      if (digest !== artifact) throw new Error("blob store is away");
      await writeFile(toFile, "garbage");
    },
  });
  supervisor.reconcile([desired("a", artifact), desired("b", "f".repeat(64))]);
  expect((await host.sees("a", "failed")).reason).toMatch(/^artifact \w+ arrived as \w+$/);
  expect((await host.sees("b", "failed")).reason).toMatch(/cannot fetch .* blob store is away$/);
  expect(await readdir(join(host.folder, "data/releases")).catch(() => [])).not.toContain(artifact);
});

test("releases that nobody runs are removed, the one unused longest first", async () => {
  await using host = await TestHost.make();
  await using supervisor = await host.supervisor({ keepReleases: 1 });
  const digests: string[] = [];
  for (const name of ["one", "two", "three"]) {
    const artifact = await host.artifact({ ...FILES, name });
    digests.push(artifact);
    supervisor.reconcile([desired(name, artifact)]);
    await host.sees(name, "healthy");
  }
  supervisor.reconcile([]);
  await host.sees("three", "stopped");
  const releases = join(host.folder, "data/releases");
  let left: string[] = [];
  for (let attempt = 0; attempt < 200 && left.length !== 1; attempt++) {
    left = await readdir(releases);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(left).toEqual([digests[2]]);
});

test("what a crashed runner left running is ended by the next one, and nothing else", async () => {
  await using host = await TestHost.make();
  const journal = new PidJournal(join(host.folder, "data/pids.json"));
  const start = (instance: string) =>
    spawn("/bin/sh", ["-c", "sleep 60 & exec sleep 60"], {
      detached: true,
      stdio: "ignore",
      env: { ...process.env, ZP_INSTANCE: instance },
    });
  const left = start("a");
  const foreign = start("b");
  const ended = once(left, "exit");
  journal.add("a", left.pid ?? 0);
  // A pid that another process has by now: the journal knows a different start time.
  journal.add("c", foreign.pid ?? 0);
  const file = join(host.folder, "data/pids.json");
  const text = await readFile(file, "utf8");
  const entries: { instance: string; startTicks: string }[] = JSON.parse(text);
  for (const entry of entries) if (entry.instance === "c") entry.startTicks = "1";
  await writeFile(file, JSON.stringify(entries));
  await using _supervisor = await host.supervisor();
  expect(await ended).toEqual([null, "SIGTERM"]);
  expect(foreign.exitCode).toBeNull();
  expect(isGone(foreign.pid ?? 0)).toBe(false);
  process.kill(-(foreign.pid ?? 0), "SIGKILL");
  expect(await readFile(file, "utf8")).toBe("[]");
});
