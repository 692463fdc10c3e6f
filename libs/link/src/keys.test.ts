import { chmodSync, mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { KeyPair, Keyring, proveKey } from "./keys.ts";
import { fromZ85, toZ85 } from "./z85.ts";
import { trustKeyring } from "./zap.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "zp-keys-"));

test("a keyring makes a pair once and gives it again", () => {
  const ring = new Keyring(folder());
  const made = ring.create("builder");
  expect(ring.create("builder").publicKey).toBe(made.publicKey);
  expect(ring.pair("builder").reveal()).toBe(made.reveal());
  expect(ring.publicKey("builder")).toBe(made.publicKey);
  expect([...ring.trusted()]).toEqual([[made.publicKey, "builder"]]);
  expect(statSync(join(ring.folder, "builder.key")).mode & 0o777).toBe(0o600);
});

test("a secret that others may read is refused", () => {
  const ring = new Keyring(folder());
  ring.create("x");
  chmodSync(join(ring.folder, "x.key"), 0o644);
  expect(() => ring.pair("x")).toThrow(/chmod 600/);
});

test("a missing key says how to make it", () => {
  expect(() => new Keyring(folder()).pair("runner")).toThrow(/zp keys new runner/);
  expect(() => new Keyring(folder()).publicKey("runner")).toThrow(/runner\.pub/);
});

test("a key never shows its secret", () => {
  const pair = KeyPair.random();
  const shown =
    inspect({ pair }) + JSON.stringify({ pair }) + String(inspect(pair, { showHidden: true }));
  expect(shown).not.toContain(pair.reveal());
});

test("a key is trusted under a name until it is revoked, and its pair stays", () => {
  const ring = new Keyring(folder());
  const stranger = KeyPair.random();
  ring.trust("partner", stranger.publicKey);
  expect(ring.trusted().get(stranger.publicKey)).toBe("partner");
  expect([ring.revoke("partner"), ring.revoke("partner")]).toEqual([true, false]);
  expect(ring.trusted().size).toBe(0);
  const own = ring.create("own");
  ring.revoke("own");
  expect(ring.pair("own").publicKey).toBe(own.publicKey);
});

test("what is no key and what is no name is refused or passed over", () => {
  const ring = new Keyring(folder());
  expect(() => ring.trust("x", "short")).toThrow(/40 characters/);
  for (const name of ["../x", "a/b", "", ".hidden"]) {
    expect(() => ring.trust(name, KeyPair.random().publicKey)).toThrow(/no name of a key/);
  }
  writeFileSync(join(ring.folder, "half.pub"), "half a key");
  ring.create("whole");
  expect([...ring.trusted().values()]).toEqual(["whole"]);
});

test("a trusted key is believed for a moment without a look, an unknown one is looked up", () => {
  const ring = new Keyring(folder());
  const trusts = trustKeyring(ring);
  const late = KeyPair.random();
  const known = ring.create("known");
  expect([trusts(known.publicKey), trusts(late.publicKey)]).toEqual([true, false]);
  ring.trust("late", late.publicKey);
  expect(trusts(late.publicKey)).toBe(true);
});

test("both sides compute the same proof and a third key does not", () => {
  const [a, b, c] = [KeyPair.random(), KeyPair.random(), KeyPair.random()];
  const data = Buffer.from("data");
  expect(proveKey(a, b.publicKey, data)).toEqual(proveKey(b, a.publicKey, data));
  expect(proveKey(c, b.publicKey, data)).not.toEqual(proveKey(b, a.publicKey, data));
});

test("Z85 goes both ways", () => {
  const bytes = Buffer.from([0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]);
  expect(toZ85(bytes)).toBe("HelloWorld");
  expect(fromZ85("HelloWorld")).toEqual(bytes);
});
