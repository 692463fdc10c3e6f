import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import * as zmq from "zeromq";
import { KeyPair } from "../keys.ts";
import { SafeSocket } from "../safe-socket.ts";
import { dial } from "../session/dial.ts";
import { listen } from "../session/listener.ts";
import { openGate } from "../zap.ts";
import { outcome, Sockets } from "./fixtures/raw.ts";

function rawClient(serverKey: string): zmq.Dealer {
  const { publicKey, secretKey } = zmq.curveKeyPair();
  const keys = { curvePublicKey: publicKey, curveSecretKey: secretKey, curveServerKey: serverKey };
  return new zmq.Dealer({ linger: 0, routingId: "the-client", ...keys });
}

test("trap 12, ZAP fails open: raw, without a handler any key comes in", async () => {
  using sockets = new Sockets();
  const { publicKey, secretKey } = zmq.curveKeyPair();
  const server = sockets.add(new zmq.Router({ curveServer: true, curveSecretKey: secretKey }));
  await server.bind("tcp://127.0.0.1:*");
  const stranger = sockets.add(rawClient(publicKey));
  stranger.connect(server.lastEndpoint ?? "");
  await stranger.send("let me in");
  expect(String((await server.receive())[1])).toBe("let me in");
});

/** Whether a stranger's message gets through to a SafeSocket. */
async function strangerGets(through: { readonly gate: boolean }): Promise<string> {
  const key = KeyPair.random();
  using gate = through.gate ? await openGate(key, () => true) : undefined;
  await using server = new SafeSocket("router", { security: gate?.security ?? { key } });
  const security = { key: KeyPair.random(), serverKey: key.publicKey };
  await using stranger = new SafeSocket("dealer", { security });
  stranger.connect(await server.bind("tcp://127.0.0.1:*"));
  stranger.send([Buffer.from("let me in")]);
  return await outcome(server[Symbol.asyncIterator]().next(), through.gate ? 4_000 : 800);
}

test("trap 12, ZAP fails open: SafeSocket lets nobody in without a handler, or after it has gone", async () => {
  expect(await strangerGets({ gate: false })).toBe("pending");
  expect(await strangerGets({ gate: true })).toBe("ok");
  expect(await strangerGets({ gate: false })).toBe("pending");
});

test("trap 13, who sent it: a session over SafeSocket knows the key of its peer", async () => {
  const [key, mine] = [KeyPair.random(), KeyPair.random()];
  const trust = (publicKey: string): boolean => publicKey === mine.publicKey;
  await using listener = await listen("tcp://127.0.0.1:*", { keys: { key, trust } });
  const from = Promise.withResolvers<string | undefined>();
  listener.accept(1, (session) => ({ receive: () => from.resolve(session.peer.key) }));
  await using session = dial(listener.endpoint, { keys: { key: mine, serverKey: key.publicKey } });
  session.send(1, Buffer.from("hello"));
  expect(await from.promise).toBe(mine.publicKey);
});

test("trap 13, who sent it: raw, ZAP is told the server's identity and a message carries none", async () => {
  using sockets = new Sockets();
  const handler = sockets.add(new zmq.Router({ linger: 0 }));
  for (let left = 50; ; left--) {
    if (
      await handler.bind("inproc://zeromq.zap.01").then(
        () => true,
        () => left === 0,
      )
    )
      break;
    await sleep(10);
  }
  const { publicKey, secretKey } = zmq.curveKeyPair();
  const server = sockets.add(
    new zmq.Router({ curveServer: true, curveSecretKey: secretKey, routingId: "the-server" }),
  );
  await server.bind("tcp://127.0.0.1:*");
  const client = sockets.add(rawClient(publicKey));
  client.connect(server.lastEndpoint ?? "");
  const [route, empty, version, id, , , identity] = await handler.receive();
  expect(String(identity)).toBe("the-server");
  await handler.send([route, empty, version, id, "200", "OK", "whose key it was", ""] as Buffer[]);
  await client.send("hello");
  const [from, ...frames] = await server.receive();
  expect([String(from), ...frames.map(String)]).toEqual(["the-client", "hello"]);
});
