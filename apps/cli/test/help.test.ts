import { expect, test } from "vitest";
import { Zp } from "./zp.ts";

test("every command has help with an example, and its options are told", {
  timeout: 120_000,
}, async () => {
  await using zp = new Zp();
  const { out } = await zp.run(["--help"]);
  const names = [...out.matchAll(/^ {2}([a-z]+) \[/gm)].map(([, name]) => name ?? "");
  expect(names).toEqual(expect.arrayContaining(["serve", "call", "repl", "tap", "up", "trace"]));
  for (const name of names) {
    const help = await zp.run([name, "--help"]);
    expect(help).toMatchObject({ code: 0, err: "" });
    expect(help.out).toMatch(new RegExp(`Examples:\\n.*zp ${name}\\b`));
    expect(help.out).toContain("--json");
  }
});
