import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hasPty, Pty } from "./pty.ts";
import { FIXTURES, Zp } from "./zp.ts";

test("at a terminal Tab completes, ? explains, streams are iterated and lines are kept", {
  timeout: 60_000,
}, async ({ skip }) => {
  skip(!hasPty, "needs a terminal: script of util-linux");
  await using zp = new Zp();
  await zp.serve("./shop.ts");
  const historyFile = join(zp.folder, "history");
  const env = { ...zp.env, ZP_HISTORY: historyFile };
  await using pty = new Pty(zp.command("repl", "Shop"), { cwd: FIXTURES, env });
  await pty.shows(/Shop> /);
  // Only a completed name has words to show.
  pty.type("tot\t");
  await pty.shows(/total/);
  pty.type("?\r");
  await pty.shows(/total\(numbers: AsyncIterable<number>\)/);
  await pty.shows(/Shop> /);
  pty.type("?add\r");
  await pty.shows(/Adds two numbers/);
  await pty.shows(/Shop> /);
  pty.type("const sum = await add(20, 22)\r");
  await pty.shows(/Shop> /);
  pty.type("sum + 1\r");
  await pty.shows(/\n43\r?\n/);
  pty.type("for await (const each of count(2)) console.log('item', each)\r");
  await pty.shows(/\nitem 0\r?\nitem 1\r?\n/);
  await pty.shows(/Shop> /);
  pty.type(".exit\r");
  expect(await pty.ended()).toBe(0);
  expect(readFileSync(historyFile, "utf8").split("\n")).toEqual(
    expect.arrayContaining(["total?", "?add", "const sum = await add(20, 22)", "sum + 1"]),
  );
  await using later = new Pty(zp.command("repl", "Shop"), { cwd: FIXTURES, env });
  await later.shows(/Shop> /);
  // Up past .exit and the loop: the sum.
  later.type("\x1b[A\x1b[A\x1b[A");
  await later.shows(/sum \+ 1/);
});
