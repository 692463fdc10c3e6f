import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { reset } from "../src/fault-connection.ts";
import { LANE_BYTES_MAX } from "../src/fault-lane.ts";
import { FaultProxy } from "../src/fault-proxy.ts";

interface Server extends AsyncDisposable {
  readonly target: string;
  readonly sockets: Socket[];
}

/** A server that gives each connection to `serve`. */
async function serverOf(serve: (socket: Socket) => void): Promise<Server> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    target: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const echoServer = (): Promise<Server> => serverOf((socket) => void socket.pipe(socket));

/** A client that keeps what it gets and how it ended. */
class Client implements Disposable {
  readonly socket: Socket;
  readonly ended: Promise<string>;
  #chunks: Buffer[] = [];

  constructor({ endpoint }: FaultProxy) {
    const { hostname, port } = new URL(endpoint);
    this.socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    this.socket.on("data", (chunk) => this.#chunks.push(chunk));
    this.ended = new Promise((resolve) => {
      this.socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
      this.socket.once("end", () => resolve("end"));
    });
  }

  get got(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  async until(bytes: number): Promise<Buffer> {
    await expect.poll(() => this.got.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(bytes);
    return this.got;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

test("passes everything both ways, and the end of either", async () => {
  await using server = await echoServer();
  await using proxy = await FaultProxy.open({ target: server.target });
  using client = new Client(proxy);
  const sent = randomBytes(5_000_000);
  client.socket.end(sent);
  expect(await client.ended).toBe("end");
  expect(client.got.equals(sent)).toBe(true);
  const { bytes, connections } = proxy.stats();
  expect({ bytes, connections }).toEqual({
    bytes: { toTarget: sent.length, toClient: sent.length },
    connections: 1,
  });
  await expect.poll(() => proxy.stats().open).toBe(0);
});

test("delays with jitter and keeps the order", async () => {
  await using server = await echoServer();
  await using proxy = await FaultProxy.open({ target: server.target });
  using client = new Client(proxy);
  client.socket.write("a");
  await client.until(1);
  proxy.set({ delayMs: 30, jitterMs: 30 });
  const startedMs = performance.now();
  let sent = "a";
  for (let i = 0; i < 40; i++) {
    sent += `${i};`;
    client.socket.write(`${i};`);
    await sleep(2);
  }
  expect(String(await client.until(sent.length))).toBe(sent);
  expect(performance.now() - startedMs).toBeGreaterThan(60);
  expect(proxy.stats().delayed).toBeGreaterThan(2);
});

test("lets through no more than its bandwidth", async () => {
  await using server = await echoServer();
  const faults = { bytesPerSecond: 200_000 };
  await using proxy = await FaultProxy.open({ target: server.target, faults });
  using client = new Client(proxy);
  const sent = randomBytes(100_000);
  const startedMs = performance.now();
  client.socket.write(sent);
  expect((await client.until(sent.length)).equals(sent)).toBe(true);
  expect(performance.now() - startedMs).toBeGreaterThan(450);
});

test("reads no more than its limit for a target that does not", async () => {
  await using server = await serverOf((socket) => void socket.pause());
  await using proxy = await FaultProxy.open({ target: server.target });
  using client = new Client(proxy);
  client.socket.write(Buffer.alloc(64 * 1024 * 1024));
  let before = -1;
  while (client.socket.bytesWritten - client.socket.writableLength !== before) {
    before = client.socket.bytesWritten - client.socket.writableLength;
    await sleep(200);
  }
  expect(client.socket.writableLength).toBeGreaterThan(0);
  const got: number[] = [];
  server.sockets[0]?.on("data", (chunk) => got.push(chunk.length)).resume();
  const total = (): number => got.reduce((sum, length) => sum + length, 0);
  await expect.poll(total, { timeout: 10_000 }).toBe(64 * 1024 * 1024);
});

test("a slow lane holds at most its limit", async () => {
  await using server = await echoServer();
  const faults = { delayMs: 60_000 };
  await using proxy = await FaultProxy.open({ target: server.target, faults });
  using client = new Client(proxy);
  const [piece, count] = [Buffer.alloc(64 * 1024), 1_024];
  for (let i = 0; i < count; i++) client.socket.write(piece);
  await sleep(500);
  expect(proxy.stats().bytes.toTarget).toBe(0);
  const kernelBytesMax = 20 * 1024 * 1024;
  const left = piece.length * count - client.socket.writableLength;
  expect(left).toBeLessThan(LANE_BYTES_MAX + kernelBytesMax);
});

test("cuts with a reset", async () => {
  await using server = await echoServer();
  await using proxy = await FaultProxy.open({ target: server.target });
  using client = new Client(proxy);
  client.socket.write("a");
  await client.until(1);
  expect(proxy.cut()).toBe(1);
  expect(await client.ended).toBe("ECONNRESET");
  expect(proxy.stats().cut).toBe(1);
  using other = new Client(proxy);
  other.socket.write("b");
  await other.until(1);
});

for (const way of ["toTarget", "toClient", "both"] as const) {
  test(`half open (${way}): bytes vanish, the connection stays, healing resets it`, async () => {
    const got: string[] = [];
    await using server = await serverOf((socket) => socket.on("data", (b) => got.push(String(b))));
    await using proxy = await FaultProxy.open({ target: server.target });
    using client = new Client(proxy);
    client.socket.write("1");
    await expect.poll(() => got.join("")).toBe("1");
    proxy.halfOpen(way);
    client.socket.write("2");
    server.sockets[0]?.write("3");
    const seen = (): string => `${got.join("")}|${client.got}`;
    await expect.poll(() => proxy.stats().swallowed).toBe(way === "both" ? 2 : 1);
    const expected = { toTarget: "1|3", toClient: "12|", both: "1|" }[way];
    await expect.poll(seen).toBe(expected);
    expect(proxy.stats().open).toBe(1);
    await proxy.heal();
    expect(await client.ended).toBe("ECONNRESET");
    expect(seen()).toBe(expected);
  });
}

test("half open: the death of a side is not told to the other", async () => {
  await using server = await echoServer();
  await using proxy = await FaultProxy.open({ target: server.target });
  using client = new Client(proxy);
  client.socket.write("a");
  await client.until(1);
  proxy.halfOpen("both");
  server.sockets[0]?.resetAndDestroy();
  await sleep(100);
  expect(client.socket.closed).toBe(false);
  await proxy.heal();
  expect(await client.ended).toBe("ECONNRESET");
});

test("flips one bit of a chunk, the same one for the same seed", async () => {
  const flipped = async (seed: number): Promise<number> => {
    await using server = await serverOf((socket) => void socket.resume());
    await using proxy = await FaultProxy.open({ target: server.target, seed });
    using client = new Client(proxy);
    await expect.poll(() => server.sockets.length).toBe(1);
    proxy.set({ corruption: 1 });
    server.sockets[0]?.write(Buffer.alloc(1_000));
    const got = await client.until(1_000);
    expect(got.filter((byte) => byte !== 0)).toHaveLength(1);
    expect(proxy.stats().corrupted).toBe(1);
    return got.findIndex((byte) => byte !== 0);
  };
  expect(await flipped(3)).toBe(await flipped(3));
  expect(await flipped(3)).not.toBe(await flipped(4));
});

test("refuses while paused and takes connections again afterwards", async () => {
  await using server = await echoServer();
  await using proxy = await FaultProxy.open({ target: server.target });
  using client = new Client(proxy);
  client.socket.write("a");
  await client.until(1);
  proxy.pause();
  using refused = new Client(proxy);
  expect(await refused.ended).toBe("ECONNREFUSED");
  client.socket.write("b");
  await client.until(2);
  await proxy.resume();
  using other = new Client(proxy);
  other.socket.write("c");
  await other.until(1);
});

test("a target that is not there looks like one", async () => {
  const gone = await echoServer();
  await gone[Symbol.asyncDispose]();
  await using proxy = await FaultProxy.open({ target: gone.target });
  using client = new Client(proxy);
  expect(await client.ended).toBe("ECONNRESET");
  await expect.poll(() => proxy.stats().open).toBe(0);
});

test("leaves no socket behind", async () => {
  await using server = await echoServer();
  const handles = (): number =>
    process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP")).length;
  const before = handles();
  {
    await using proxy = await FaultProxy.open({ target: server.target });
    const clients = Array.from({ length: 10 }, () => new Client(proxy));
    for (const client of clients) client.socket.write("a");
    for (const client of clients) await client.until(1);
    proxy.halfOpen("both");
    for (const client of clients) client.socket.destroy();
  }
  await expect.poll(() => server.sockets.every((socket) => socket.destroyed)).toBe(true);
  await expect.poll(handles).toBeLessThanOrEqual(before);
});

test("a socket that says its end just now is closed by a cut", async () => {
  await using server = await serverOf((socket) => void socket.resume());
  const { hostname, port } = new URL(server.target);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  await once(socket, "connect");
  const closed = once(socket, "close", { signal: AbortSignal.timeout(5_000) });
  socket.end();
  reset(socket);
  await closed;
});
