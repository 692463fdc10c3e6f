import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FolderFiles } from "./log-files.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "zp-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Descriptors of this process that lead into the folder. */
const opened = (): number =>
  readdirSync("/proc/self/fd").filter((each) => {
    try {
      return readlinkSync(`/proc/self/fd/${each}`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;

test.skipIf(process.platform !== "linux")("many files need few descriptors", () => {
  const files = new FolderFiles(folder);
  const names = Array.from({ length: 200 }, (_, i) => String(i).padStart(3, "0"));
  for (const name of names) files.write(name, 0, Buffer.from(name));
  for (const name of names) expect(files.read(name, 0, 10).toString()).toBe(name);
  expect(opened()).toBe(64);
  for (const name of names) files.sync(name);
  expect(files.list()).toEqual(names);
  files.remove("199");
  expect(files.list()).toHaveLength(199);
  files.close();
  expect(opened()).toBe(0);
});

test("writes anywhere, reads what is there, and cuts", () => {
  const files = new FolderFiles(join(folder, "made", "here"));
  files.write("a", 0, Buffer.from("hello"));
  files.write("a", 3, Buffer.from("p!"));
  expect(files.read("a", 1, 100).toString()).toBe("elp!");
  files.truncate("a", 2);
  expect(files.size("a")).toBe(2);
  files.sync("a");
  files.close();
  expect(new FolderFiles(join(folder, "made", "here")).read("a", 0, 9).toString()).toBe("he");
});
