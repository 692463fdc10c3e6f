import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { KeyPair, listen, SafeSocket } from "@zeroplane/link";
import { afterEach, expect, test } from "vitest";
import { type Outcome, Zp } from "./zp.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(server: Server): Promise<string> {
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** One clear line, and nothing of ours. */
function isClear({ err }: Outcome): boolean {
  return /^zp: .+\n$/.test(err) && !/\bat .*\.ts:\d+:\d+\)|node:internal/.test(err);
}

test("an endpoint that nobody answers", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  const endpoint = await listening(createServer());
  await new Promise((resolve) => servers.pop()?.close(resolve));
  const outcome = await zp.run(["call", endpoint, "x"]);
  expect(outcome).toMatchObject({ code: 75, err: expect.stringContaining("nobody answers") });
  expect(isClear(outcome)).toBe(true);
});

test("what listens is no service", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  const http = await listening(createHttpServer());
  expect(await zp.run(["call", http, "x"])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/a web server/),
  });
  const redis = createServer((socket) => {
    socket.on("error", () => undefined).on("data", () => socket.end("-ERR unknown command\r\n"));
  });
  expect(await zp.run(["inspect", await listening(redis)])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/Redis/),
  });
  await using publisher = new SafeSocket("pub");
  const outcome = await zp.run(["ping", await publisher.bind("tcp://127.0.0.1:*")]);
  expect(outcome).toMatchObject({ code: 1, err: expect.stringMatching(/PUB socket/) });
  expect(isClear(outcome)).toBe(true);
});

test("unknown methods, wrong arguments, errors of the method", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  const { endpoint } = await zp.serve("./shop.ts");
  const call = (...words: string[]): Promise<Outcome> => zp.run(["call", endpoint, ...words]);
  const unknown = await call("ad", "1", "2");
  expect(unknown).toMatchObject({ code: 4, err: expect.stringMatching(/"ad".*add/) });
  expect(await call("add", "1")).toMatchObject({ code: 2, err: expect.stringContaining('"b"') });
  const typed = await call("add", "1", "two");
  expect(typed).toMatchObject({ code: 2, err: expect.stringContaining("is not a number") });
  expect(await call("add", "1", "2", "3")).toMatchObject({ code: 2 });
  expect(await call("add", "1", "@nofile")).toMatchObject({
    code: 2,
    err: expect.stringMatching(/no file/),
  });
  const failed = await call("fail");
  expect(failed).toEqual({ code: 1, out: "", err: "zp: no\n" });
  for (const each of [unknown, typed, failed]) expect(isClear(each)).toBe(true);
  expect((await call("fail", "--debug")).err).toContain("shop.ts:");
  const late = await call("wait", "60000", "--timeout", "1");
  expect(late).toMatchObject({ code: 75, err: expect.stringMatching(/^zp: .+\n$/) });
});

test("a service that dies in the middle", { timeout: 90_000 }, async () => {
  await using zp = new Zp();
  const { endpoint, child } = await zp.serve("./shop.ts");
  const caller = zp.run(["call", endpoint, "count", "1000000", "--timeout", "20"]);
  while ((await zp.run(["call", endpoint, "counting"])).out !== "1\n");
  child.kill("SIGKILL");
  const outcome = await caller;
  expect(outcome.code).toBe(75);
  expect(isClear(outcome)).toBe(true);
});

test("modules that cannot be served", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  const cases: readonly [string, number, RegExp][] = [
    ["const x = ;", 1, /cannot be parsed/],
    ['throw new Error("at import");', 1, /fails while it is loaded.*at import/],
    ["process.exit(3);", 1, /ends the process while it is loaded, with status 3/],
    ["export class A {}", 2, /nothing to serve.*export default A/],
    ["export default class A { constructor(x) { x.y; } }", 1, /cannot be made without arguments/],
    ["export default 42;", 2, /default export is number/],
  ];
  for (const [at, [text, code, err]] of cases.entries()) {
    const file = join(zp.folder, `m${at}.mjs`);
    writeFileSync(file, text);
    const outcome = await zp.run(["serve", file]);
    expect(outcome).toMatchObject({ code, err: expect.stringMatching(err) });
    expect(isClear(outcome)).toBe(true);
  }
  expect(await zp.run(["serve", "no-such-package"])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/no module/),
  });
});

test("mistyped commands, flags and names", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  await zp.serve("./shop.ts");
  expect(await zp.run(["inspcet", "x"])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/inspect/),
  });
  expect(await zp.run(["call", "Shop", "add", "--jsno"])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/--json/),
  });
  expect(await zp.run(["call", "Shpo", "add"])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/did you mean Shop/),
  });
});

test("a service that is open only to keys", { timeout: 60_000 }, async () => {
  await using zp = new Zp();
  const key = KeyPair.random();
  const keys = { key, trust: (other: string) => other === key.publicKey };
  await using listener = await listen("tcp://127.0.0.1:*", { keys });
  const outcome = await zp.run(["call", listener.endpoint, "x"]);
  expect(outcome).toMatchObject({ code: 3, err: expect.stringContaining("--service NAME") });
  expect(isClear(outcome)).toBe(true);
});
