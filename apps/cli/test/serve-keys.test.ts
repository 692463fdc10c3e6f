import { join } from "node:path";
import { expect, test } from "vitest";
import { Zp } from "./zp.ts";

test("a service with keys lets in who is trusted, and nobody else", {
  timeout: 120_000,
}, async () => {
  await using zp = new Zp();
  const keys = join(zp.folder, "keys");
  expect(await zp.run(["serve", "./shop.ts", "--keys", keys])).toMatchObject({ code: 2 });
  await zp.run(["keys", "new", "cli", "--keys", keys]);
  expect(await zp.run(["serve", "./shop.ts", "--keys", keys])).toMatchObject({
    code: 3,
    err: expect.stringContaining("zp keys new Shop"),
  });
  await zp.run(["keys", "new", "shop", "--keys", keys]);
  const { endpoint } = await zp.serve("./shop.ts", "--keys", keys, "--service", "shop");
  const call = ["call", endpoint, "add", "1", "2"];
  expect(await zp.run(call)).toMatchObject({ code: 3 });
  zp.env["ZP_KEYS"] = keys;
  expect(await zp.run(call)).toMatchObject({ code: 0, out: "3\n" });
  expect(await zp.run(["call", "Shop", "add", "2", "2"])).toMatchObject({ code: 0, out: "4\n" });
  zp.env["ZP_RUN_DIR"] = join(zp.folder, "elsewhere");
  expect(await zp.run([...call, "--service", "shop"])).toMatchObject({ out: "3\n" });
  await zp.run(["keys", "revoke", "cli"]);
  expect((await zp.run([...call, "--service", "shop", "--timeout", "2"])).code).not.toBe(0);
});

test("without keys only this machine may call, unless it is said otherwise", {
  timeout: 120_000,
}, async () => {
  await using zp = new Zp();
  const words = ["serve", "./shop.ts", "--bind", "tcp://0.0.0.0:*"];
  expect(await zp.run(words)).toMatchObject({ code: 3 });
  const open = await zp.serve(...words.slice(1), "--insecure");
  expect(open.endpoint).toMatch(/^tcp:/);
  zp.env["ZP_KEYS"] = zp.folder;
  const pull = ["serve", "./shop.ts", "--pull", "tcp://127.0.0.1:*", "--name", "cli"];
  await zp.run(["keys", "new", "cli"]);
  expect(await zp.run(pull)).toMatchObject({ code: 2, err: expect.stringContaining("no keys") });
  expect(await zp.run(["serve", "./shop.ts", "--service", "x", "--keys", zp.folder])).toMatchObject(
    {
      code: 3,
    },
  );
});
