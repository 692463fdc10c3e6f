import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const ZP = fileURLToPath(new URL("../../../apps/cli/bin/zp.js", import.meta.url));
const PEER = fileURLToPath(import.meta.resolve("./peer.ts"));
const folder = mkdtempSync(join(tmpdir(), "zp-interop-"));
const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: string[]): ChildProcess {
  const env = { ...process.env, NO_COLOR: "1", ZP_RUN_DIR: folder, ZP_DATA_DIR: folder };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  return child;
}

const outputOf = async (...args: string[]): Promise<string> => {
  const child = start(...args);
  return text(child.stdout!);
};

async function freeEndpoint(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return `tcp://127.0.0.1:${port}`;
}

test("zerorpc-node inspects and calls what zp serves", { timeout: 60_000 }, async () => {
  const served = start(ZP, "serve", "node:path", "--json");
  const [ready] = (await once(served.stderr!, "data")) as [Buffer];
  const [endpoint] = (JSON.parse(String(ready)) as { endpoints: [string] }).endpoints;
  const calls = [["basename", "/a/b.txt"], ["_zerorpc_list"], ["_zerorpc_inspect"]];
  const said = await outputOf(PEER, "call", endpoint, "5000", JSON.stringify(calls));
  const [name, list, inspected] = said
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as object);
  expect(name).toEqual({ value: "b.txt" });
  expect(list).toEqual({ value: expect.arrayContaining(["basename", "join"]) });
  expect(inspected).toMatchObject({ value: { name: "path", methods: { basename: {} } } });
});

test("zp lists, calls and types what zerorpc-node serves", { timeout: 60_000 }, async () => {
  const endpoint = await freeEndpoint();
  const served = start(PEER, "serve", endpoint, "5000");
  await once(served.stdout!, "data");
  expect(await outputOf(ZP, "call", endpoint, "add", "1", "2")).toBe("3\n");
  expect(await outputOf(ZP, "call", endpoint, "range", "3")).toBe("0\n1\n2\n");
  expect(await outputOf(ZP, "inspect", endpoint)).toContain("add(a, b)");
  expect(await outputOf(ZP, "types", endpoint)).toContain("add(a: unknown, b: unknown)");
  expect(await outputOf(ZP, "ping", endpoint, "-n", "1")).toContain(endpoint);
});
