import { connect } from "node:net";
import { expect, test } from "vitest";
import * as zmq from "zeromq";
import manifest from "../../package.json" with { type: "json" };
import { KeyPair } from "../keys.ts";
import { hasDraft } from "../raw-socket.ts";
import { SafeSocket } from "../safe-socket.ts";
import { greeting, portOf, Sockets } from "./fixtures/raw.ts";

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

/** Runs of each kind; the least of them is what it takes when nobody else has the machine. */
const ROUNDS = 8;
const PRICE = 1.1;

// CPU time, not throughput: the machine may have other work. Both ends are in this process.
test("trap 28, the price of CURVE: raw, encryption takes CPU for every byte", async () => {
  let [plain, curve, price] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0];
  for (let round = 0; round < ROUNDS && (round < 2 || price < PRICE); round++) {
    plain = Math.min(plain, await rawCpuMs(false));
    curve = Math.min(curve, await rawCpuMs(true));
    price = curve / plain;
  }
  expect(price).toBeGreaterThan(PRICE);
});

/** The mechanism that a bound socket names in its greeting. */
async function mechanismOf(endpoint: string): Promise<string> {
  const peer = connect(portOf(endpoint), "127.0.0.1").on("error", () => undefined);
  // Signature and version only: it answers with its mechanism before it looks at ours.
  peer.write(greeting("DEALER").subarray(0, 11));
  let bytes = Buffer.alloc(0);
  for await (const chunk of peer) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    if (bytes.length >= 32) break;
  }
  return bytes.subarray(12, 32).toString("latin1").replaceAll("\0", "");
}

test("trap 28, the price of CURVE: SafeSocket pays it only when it was given keys", async () => {
  const key = KeyPair.random();
  await using plain = new SafeSocket("router");
  await using secured = new SafeSocket("router", { security: { key } });
  expect(await mechanismOf(await plain.bind("tcp://127.0.0.1:*"))).toBe("NULL");
  expect(await mechanismOf(await secured.bind("tcp://127.0.0.1:*"))).toBe("CURVE");
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
