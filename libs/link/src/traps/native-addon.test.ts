import { expect, test } from "vitest";
import * as zmq from "zeromq";
import manifest from "../../package.json" with { type: "json" };
import { KeyPair } from "../keys.ts";
import { hasDraft } from "../raw-socket.ts";
import { SafeSocket } from "../safe-socket.ts";
import { openGate } from "../zap.ts";
import { Sockets } from "./fixtures/raw.ts";

const BODY = Buffer.alloc(64 * 1024, 1);
const COUNT = 400;

/** CPU milliseconds of this process while `COUNT` messages of 64 KiB go through. */
async function cpuMs(send: () => unknown, receive: () => Promise<unknown>): Promise<number> {
  send();
  await receive();
  const before = process.cpuUsage();
  for (let i = 0; i < COUNT; i++) send();
  for (let i = 0; i < COUNT; i++) await receive();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

async function rawCpuMs(curve: boolean): Promise<number> {
  using sockets = new Sockets();
  const [server, client] = [zmq.curveKeyPair(), zmq.curveKeyPair()];
  const pull = sockets.add(new zmq.Pull());
  const push = sockets.add(new zmq.Push({ linger: 0 }));
  if (curve) {
    Object.assign(pull, { curveServer: true, curveSecretKey: server.secretKey });
    const { publicKey: curvePublicKey, secretKey: curveSecretKey } = client;
    Object.assign(push, { curveServerKey: server.publicKey, curvePublicKey, curveSecretKey });
  }
  await pull.bind("tcp://127.0.0.1:*");
  push.connect(pull.lastEndpoint ?? "");
  return await cpuMs(
    () => push.send(BODY),
    () => pull.receive(),
  );
}

async function safeCpuMs(keys: boolean): Promise<number> {
  const [key, mine] = [KeyPair.random(), KeyPair.random()];
  using gate = keys ? await openGate(key, () => true) : undefined;
  await using pull = new SafeSocket("pull", { security: gate?.security });
  const security = keys ? { key: mine, serverKey: key.publicKey } : undefined;
  await using push = new SafeSocket("push", { security });
  push.connect(await pull.bind("tcp://127.0.0.1:*"));
  const reader = pull[Symbol.asyncIterator]();
  return await cpuMs(
    () => push.send([BODY]),
    () => reader.next(),
  );
}

/** The least of three runs with encryption over the least of three without. */
async function priceOf(cpu: (curve: boolean) => Promise<number>): Promise<number> {
  const [plain, curve]: [number[], number[]] = [[], []];
  for (let i = 0; i < 3; i++) {
    plain.push(await cpu(false));
    curve.push(await cpu(true));
  }
  return Math.min(...curve) / Math.min(...plain);
}

// CPU time, not throughput: the machine may have other work. Both ends are in this process.
test("trap 28, the price of CURVE: raw, encryption takes much of the CPU", async () => {
  const price = await priceOf(rawCpuMs);
  expect(price).toBeGreaterThan(1.25);
});

test("trap 28, the price of CURVE: SafeSocket without keys does not pay it", async () => {
  const price = await priceOf(safeCpuMs);
  expect(price).toBeGreaterThan(1.25);
});

// Only the prebuilt file of this machine can be loaded here. It has to be the version that is
// stated, with what we rely on: encryption, and the draft options that report a lost connection.
test("trap 29, prebuilt addons: raw, the one of this machine loads and has curve and draft", () => {
  expect(zmq.capability).toMatchObject({ curve: true, draft: true });
  expect(zmq.version).toMatch(/^4\.3\.\d+$/);
});

test("trap 29, prebuilt addons: SafeSocket relies on one exact version", () => {
  expect(manifest.dependencies.zeromq).toMatch(/^\d+\.\d+\.\d+$/);
  expect(hasDraft).toBe(process.env["ZP_NO_DRAFT"] !== "1");
});
