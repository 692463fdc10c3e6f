import { once } from "node:events";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { connect, createServer as createTcpServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import type { Outcome, RequestInfo } from "./proxy.ts";
import { deadPort, routeTo, TestApp, TestRouter, until } from "./testing.ts";

test("a request reaches its app with the headers of a proxy, and the answer comes back whole", async () => {
  await using app = await TestApp.start(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    response.setHeader("Set-Cookie", ["a=1", "b=2"]);
    response.setHeader("Connection", "X-Hop");
    response.setHeader("X-Hop", "1");
    response.writeHead(201, "Made");
    response.end(
      JSON.stringify({ url: request.url, method: request.method, body, headers: request.headers }),
    );
  });
  await using router = await TestRouter.start();
  await router.route(app.port);
  const answer = await router.ask("/a?b=1", {
    method: "POST",
    body: "hello",
    headers: {
      Connection: "X-Secret, Content-Length, keep-alive",
      "X-Secret": "1",
      TE: "trailers",
      "X-Forwarded-For": "6.6.6.6",
      "X-Request-Id": "my-id-1",
      "Content-Length": "5",
    },
  });
  const seen = JSON.parse(answer.text);
  expect(answer).toMatchObject({ status: 201, headers: { "set-cookie": ["a=1", "b=2"] } });
  expect(answer.headers["x-hop"]).toBeUndefined();
  expect(answer.headers["x-request-id"]).toBe("my-id-1");
  expect(seen).toMatchObject({ url: "/a?b=1", method: "POST", body: "hello" });
  expect(seen.headers).toMatchObject({
    host: "app.test",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": "app.test",
    "x-request-id": "my-id-1",
    "content-length": "5",
  });
  expect(Object.keys(seen.headers)).not.toContain("x-secret");
  expect(Object.keys(seen.headers)).not.toContain("te");
});

test("a chunked body of a GET stays one request", async () => {
  const urls: (string | undefined)[] = [];
  await using app = await TestApp.start(async (request, response) => {
    urls.push(request.url);
    let body = "";
    for await (const chunk of request) body += String(chunk);
    response.end(body);
  });
  await using router = await TestRouter.start();
  await router.route(app.port);
  const body = "GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n";
  const answer = await router.ask("/", { headers: { "Transfer-Encoding": "chunked" }, body });
  expect(answer.text).toBe(body);
  expect(urls).toEqual(["/"]);
});

test("an unknown host gets a 404 that names it, a route without instances a 503", async () => {
  await using router = await TestRouter.start();
  await router.route();
  const unknown = await router.ask("/", { host: "nobody.test" });
  expect(unknown.status).toBe(404);
  expect(unknown.text).toMatch(
    /^404 ERR_ROUTER_UNKNOWN_HOST: no app is served at nobody\.test\nrequest /,
  );
  const empty = await router.ask("/");
  expect(empty.status).toBe(503);
  expect(empty.text).toContain("503 ERR_ROUTER_NO_INSTANCE: app shop has no healthy instance");
  expect(router.proxy.unknownHosts).toBe(1);
  expect(router.proxy.stats()).toMatchObject([
    { host: "app.test", requests: 1, errors: 1, inFlight: 0 },
  ]);
});

test("an instance that refuses connections is skipped, for bodies too, and set aside a while", async () => {
  await using app = await TestApp.start((request, response) => request.pipe(response));
  const dead = await deadPort();
  await using router = await TestRouter.start({ ejectMs: 60_000 });
  await router.route(dead, app.port);
  for (let index = 0; index < 10; index++) {
    const answer = await router.ask("/", { method: "POST", body: `order ${index}` });
    expect(answer).toMatchObject({ status: 200, text: `order ${index}` });
  }
  expect(router.proxy.stats()).toMatchObject([{ requests: 10, errors: 0, retries: 1 }]);
});

test("an app whose instances are all set aside is tried all the same", async () => {
  const port = await deadPort();
  await using router = await TestRouter.start({ ejectMs: 60_000 });
  await router.route(port);
  const refused = await router.ask("/");
  expect(refused.status).toBe(502);
  expect(refused.text).toContain(
    `ERR_ROUTER_CONNECT: instance i${port} does not accept connections`,
  );
  await using _app = await TestApp.start((_request, response) => response.end("back"), port);
  expect(await router.ask("/")).toMatchObject({ status: 200, text: "back" });
});

test("a GET whose instance dies before it answers goes to another, a POST does not", async () => {
  let deaths = 0;
  await using dying = await TestApp.start((request) => {
    deaths++;
    request.socket.destroy();
  });
  await using app = await TestApp.start((_request, response) => response.end("alive"));
  await using router = await TestRouter.start();
  await router.route(dying.port, app.port);
  for (let index = 0; index < 4; index++) {
    expect(await router.ask("/")).toMatchObject({ status: 200, text: "alive" });
  }
  const posts = [];
  for (let index = 0; index < 4; index++) {
    posts.push((await router.ask("/", { method: "POST", body: "x" })).status);
  }
  expect(posts.toSorted((a, b) => a - b)).toEqual([200, 200, 502, 502]);
  expect(deaths).toBeGreaterThanOrEqual(3);
});

test("requests are spread evenly, and a busy instance gets fewer", async () => {
  const counts = [0, 0];
  const held: (() => void)[] = [];
  await using one = await TestApp.start((request, response) => {
    counts[0]!++;
    if (request.url === "/hold") held.push(() => response.end());
    else response.end();
  });
  await using two = await TestApp.start((_request, response) => {
    counts[1]!++;
    response.end();
  });
  await using router = await TestRouter.start();
  await router.route(one.port, two.port);
  for (let index = 0; index < 10; index++) await router.ask("/");
  expect(counts).toEqual([5, 5]);
  const holding = [router.ask("/hold"), router.ask("/hold")];
  await until(() => held.length > 0);
  const before = counts[1]!;
  for (let index = 0; index < 6; index++) await router.ask("/");
  expect(counts[1]! - before).toBeGreaterThanOrEqual(5);
  for (const end of held) end();
  await Promise.all(holding);
});

test("an instance taken out of the table gets nothing new, and ends what it is serving", async () => {
  let held: (() => void) | undefined;
  await using old = await TestApp.start((_request, response) => {
    response.write("old ");
    held = () => response.end("to the end");
  });
  await using fresh = await TestApp.start((_request, response) => response.end("fresh"));
  await using router = await TestRouter.start();
  await router.route(old.port);
  const running = router.ask("/");
  await until(() => held !== undefined);
  await router.route(fresh.port);
  for (let index = 0; index < 5; index++) expect((await router.ask("/")).text).toBe("fresh");
  expect(router.proxy.inFlight(`i${old.port}`)).toBe(1);
  held?.();
  expect((await running).text).toBe("old to the end");
  await until(() => router.proxy.inFlight(`i${old.port}`) === 0);
});

test("connections kept to an instance are closed when it leaves the table", async () => {
  const sockets = new Set<Socket>();
  await using app = await TestApp.start((_request, response) => response.end("ok"));
  app.server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  app.server.keepAliveTimeout = 60_000;
  await using router = await TestRouter.start();
  await router.route(app.port);
  await router.ask("/");
  await router.ask("/");
  expect(sockets.size).toBe(1);
  await router.route();
  await until(() => sockets.size === 0);
});

test("an instance that does not answer in time gives a 504, one that talks nonsense a 502", async () => {
  await using silent = await TestApp.start(() => {});
  await using router = await TestRouter.start({ answerTimeoutMs: 100 });
  await router.route(silent.port);
  const late = await router.ask("/");
  expect(late.status).toBe(504);
  expect(late.text).toContain(
    `504 ERR_ROUTER_TIMEOUT: instance i${silent.port} did not answer in time`,
  );
  const nonsense = createTcpServer((socket) => socket.end("no http at all\r\n\r\n"));
  nonsense.listen(0, "127.0.0.1");
  await once(nonsense, "listening");
  await router.route((nonsense.address() as AddressInfo).port);
  expect((await router.ask("/")).text).toMatch(/^502 ERR_ROUTER_UPSTREAM/);
  nonsense.close();
});

test("an answer that breaks off reaches the client as broken, not as whole", async () => {
  await using app = await TestApp.start((_request, response) => {
    response.write("first half");
    setImmediate(() => response.destroy());
  });
  await using router = await TestRouter.start();
  await router.route(app.port);
  await expect(router.ask("/")).rejects.toThrow(/aborted/);
  await until(() => router.proxy.stats()[0]?.errors === 1);
});

test("a client that leaves frees its instance and counts as no error", async () => {
  let closed = false;
  await using app = await TestApp.start((_request, response) => {
    response.once("close", () => {
      closed = true;
    });
  });
  await using router = await TestRouter.start();
  await router.route(app.port);
  const sent = request({ port: router.port, headers: { Host: "app.test" }, agent: false });
  sent.on("error", () => {});
  sent.end();
  await until(() => router.proxy.inFlight(`i${app.port}`) === 1);
  sent.destroy();
  await until(() => closed && router.proxy.inFlight(`i${app.port}`) === 0);
  expect(router.proxy.stats()).toMatchObject([{ requests: 1, errors: 0, retries: 0 }]);
});

test("server-sent events pass one by one", async () => {
  let send: ((text: string) => void) | undefined;
  await using app = await TestApp.start((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.flushHeaders();
    send = (text) => response.write(text);
  });
  await using router = await TestRouter.start();
  await router.route(app.port);
  const sent = request({ port: router.port, headers: { Host: "app.test" }, agent: false }).end();
  const [response] = await once(sent, "response");
  response.on("error", () => {});
  for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
    send?.(event);
    const [chunk] = await once(response, "data");
    expect(String(chunk)).toBe(event);
  }
  sent.destroy();
});

test("the hook sees each request and its outcome, and adds headers for the app", async () => {
  await using app = await TestApp.start((request, response) =>
    response.end(request.headers["traceparent"]),
  );
  const seen: [RequestInfo, Outcome][] = [];
  await using router = await TestRouter.start({
    onRequest: async (info, next) => {
      const outcome = await next({ traceparent: "00-mine-01" });
      seen.push([info, outcome]);
      return outcome;
    },
  });
  await router.route(app.port);
  const answer = await router.ask("/x", { headers: { traceparent: "00-theirs-01" } });
  expect(answer.text).toBe("00-mine-01");
  await router.ask("/", { host: "nobody.test" });
  await until(() => seen.length === 2);
  expect(seen[0]?.[0]).toMatchObject({ method: "GET", host: "app.test", path: "/x", app: "shop" });
  expect(seen[0]?.[0].headers["traceparent"]).toBe("00-theirs-01");
  expect(seen[0]?.[1]).toEqual({ status: 200, instance: `i${app.port}`, attempts: 1 });
  expect(seen[1]?.[1]).toEqual({ status: 404, attempts: 0, error: "ERR_ROUTER_UNKNOWN_HOST" });
});

/** Reads from a socket until the text holds what is looked for. */
async function readUntil(socket: Socket, part: string): Promise<string> {
  let text = "";
  while (!text.includes(part)) {
    const [chunk] = await once(socket, "data");
    text += String(chunk);
  }
  return text;
}

const HANDSHAKE = [
  "GET /chat HTTP/1.1",
  "Host: app.test",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "",
  "",
].join("\r\n");

test("an upgraded connection carries bytes both ways past dead instances, and outlives its route", async () => {
  await using app = await TestApp.start((_request, response) => response.end());
  app.server.on("upgrade", (request, socket) => {
    socket.on("error", () => {});
    const key = request.headers["sec-websocket-key"];
    const from = request.headers["x-forwarded-for"];
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`,
    );
    socket.write(`X-Key: ${key}\r\nX-From: ${String(from)}\r\n\r\nhello`);
    socket.pipe(socket);
  });
  await using router = await TestRouter.start();
  await router.route(await deadPort(), await deadPort(), app.port);
  const client = connect(router.port, "127.0.0.1");
  client.write(`${HANDSHAKE}early`);
  const opened = await readUntil(client, "early");
  expect(opened).toMatch(
    /^HTTP\/1\.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n/,
  );
  expect(opened).toContain("X-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-From: 127.0.0.1\r\n\r\nhello");
  await router.route();
  client.write("ping");
  expect(await readUntil(client, "ping")).toBe("ping");
  expect(router.proxy.inFlight(`i${app.port}`)).toBe(1);
  client.destroy();
  await until(() => router.proxy.inFlight(`i${app.port}`) === 0);
});

test("an upgrade for an unknown host, or one the app refuses, is answered as plain HTTP", async () => {
  await using app = await TestApp.start((_request, response) => response.end());
  app.server.on("upgrade", (_request, socket) => {
    socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsorry!");
  });
  await using router = await TestRouter.start();
  await router.table.replace(1, [routeTo("app.test", [app.port])]);
  const refused = connect(router.port, "127.0.0.1");
  refused.write(HANDSHAKE);
  expect(await readUntil(refused, "sorry!")).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
  const unknown = connect(router.port, "127.0.0.1");
  unknown.write(HANDSHAKE.replace("app.test", "nobody.test"));
  expect(await readUntil(unknown, "request ")).toMatch(
    /^HTTP\/1\.1 404 .*no app is served at nobody\.test/s,
  );
  refused.destroy();
  unknown.destroy();
});

test("closing lets a request in flight end, and closes the rest after its time", async () => {
  let held: (() => void) | undefined;
  await using app = await TestApp.start((_request, response) => {
    held = () => response.end("done");
  });
  const router = await TestRouter.start({ drainMs: 5_000 });
  await router.route(app.port);
  const running = router.ask("/");
  await until(() => held !== undefined);
  const closing = router[Symbol.asyncDispose]();
  await expect(router.ask("/")).rejects.toThrow(/ECONNREFUSED/);
  held?.();
  expect((await running).text).toBe("done");
  await closing;
});
