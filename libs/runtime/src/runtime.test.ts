import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@zeroplane/rpc";
import { expect, test } from "vitest";
import { z } from "zod";
import {
  BaseConfig,
  digestOf,
  downloadFile,
  Life,
  type ProcessInfo,
  readConfig,
  uploadFile,
} from "./index.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "zp-runtime-"));

function startProcess(main: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
  const file = join(folder(), "main.ts");
  const index = new URL("./index.ts", import.meta.url).href;
  writeFileSync(file, `import { BaseConfig, run } from ${JSON.stringify(index)};\n${main}`);
  const argv = ["-C", "@zeroplane/source", "--no-warnings", file];
  return spawn(process.execPath, argv, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function outputOf(
  child: ChildProcess,
): Promise<{ code: number | null; out: string; err: string }> {
  let [out, err] = ["", ""];
  child.stdout?.on("data", (data: Buffer) => void (out += String(data)));
  child.stderr?.on("data", (data: Buffer) => void (err += String(data)));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

test("the environment is read through a schema, and every problem is told at once", () => {
  const schema = BaseConfig.extend({ ZP_DATA: z.string(), ZP_COUNT: z.coerce.number().int() });
  expect(readConfig(schema, { ZP_DATA: "/d", ZP_COUNT: "3", ZP_NODE: "" })).toMatchObject({
    ZP_DATA: "/d",
    ZP_COUNT: 3,
    ZP_BIND: "tcp://127.0.0.1:*",
  });
  expect(() => readConfig(schema, { ZP_COUNT: "many", ZP_NODE: "a b" })).toThrow(
    /ZP_NODE: letters[\s\S]*ZP_DATA[\s\S]*ZP_COUNT/,
  );
});

test("a process tells about itself and stops when it is asked to", async () => {
  const child = startProcess(
    `await run("test", BaseConfig, async (life) => { await life.serve({ echo: { say: (t: string) => t } }); });`,
    { ZP_NODE: "test-1" },
  );
  const ended = outputOf(child);
  const [first] = (await once(child.stdout as NodeJS.EventEmitter, "data")) as [Buffer];
  const { endpoint } = JSON.parse(String(first)) as { endpoint: string };
  await using client = connect<{ process: ProcessInfo; echo: { say(t: string): string } }>(
    endpoint,
  );
  expect(await client.echo.say("hi")).toBe("hi");
  expect(await client.process.ping()).toBe("test test-1");
  expect(await client.process.stats()).toMatchObject({
    service: "test",
    node: "test-1",
    pid: child.pid,
  });
  expect((await client.process.sockets()).sessions).toHaveLength(1);
  expect(JSON.parse(await client.process.profile({ ms: 50 }))).toHaveProperty("nodes");
  child.kill("SIGTERM");
  expect(await ended).toMatchObject({ code: 0, err: "" });
});

test("a process that cannot start says why, in its exit status too", async () => {
  const main = `await run("test", BaseConfig, async () => { throw new Error("no way"); });`;
  const failed = await outputOf(startProcess(main));
  expect(failed.code).toBe(1);
  expect(failed.err).toContain("test failed: Error: no way");
  const unfit = await outputOf(startProcess(main, { ZP_LOG_LEVEL: "loud" }));
  expect(unfit.code).toBe(2);
  expect(unfit.err).toContain("ZP_LOG_LEVEL");
});

test("what a life has used is closed in reverse order", async () => {
  const closed: string[] = [];
  const config = readConfig(BaseConfig, { ZP_LOG_LEVEL: "fatal" });
  {
    await using life = new Life("test", config, new AbortController().signal);
    for (const name of ["first", "second"]) {
      life.use({ [Symbol.asyncDispose]: async () => void closed.push(name) });
    }
  }
  expect(closed).toEqual(["second", "first"]);
});

test("a file goes to a store and back, and a broken upload goes on where it ended", async () => {
  const stored = new Map<string, Buffer>();
  const appended: number[] = [];
  const store = {
    has: async () => false,
    received: async (digest: string) => stored.get(digest)?.length ?? 0,
    append: async (digest: string, offset: number, chunk: Uint8Array) => {
      appended.push(offset);
      stored.set(digest, Buffer.concat([stored.get(digest) ?? Buffer.alloc(0), chunk]));
      return offset + chunk.length;
    },
    finish: async () => undefined,
    async *read(digest: string): AsyncGenerator<Uint8Array> {
      yield stored.get(digest) ?? Buffer.alloc(0);
    },
  };
  const [source, target] = [join(folder(), "source"), join(folder(), "target")];
  const bytes = Buffer.alloc(2_500_000, 7);
  writeFileSync(source, bytes);
  stored.set(await digestOf(source), bytes.subarray(0, 1_000));
  const digest = await uploadFile(store, source);
  expect(appended[0]).toBe(1_000);
  await downloadFile(store, digest, { file: target });
  expect(readFileSync(target).equals(bytes)).toBe(true);
  stored.set(digest, Buffer.from("other bytes"));
  await expect(downloadFile(store, digest, { file: target })).rejects.toThrow(/try again/);
});
