import { link, mkdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { Header } from "tar";
import { expect, test } from "vitest";
import { TestFolder } from "./testing.ts";
import { unpack } from "./unpack.ts";

const LIMITS = { sourceBytes: 1_000_000, files: 100 };
const { signal } = new AbortController();

interface Entry {
  readonly path: string;
  readonly type?: "File" | "SymbolicLink" | "Link" | "FIFO" | "Directory";
  readonly linkpath?: string;
  readonly body?: string;
}

/** A tar archive written by hand, so that it can hold what no honest packer writes. */
function tarOf(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, type = "File", linkpath = "", body = "" }) => {
    const header = new Header({ path, type, linkpath, size: body.length, mode: 0o644 });
    header.encode();
    const padding = Buffer.alloc((512 - (body.length % 512)) % 512);
    return [header.block ?? Buffer.alloc(0), Buffer.from(body), padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

async function unpackBytes(folder: TestFolder, bytes: Buffer, limits = LIMITS): Promise<string> {
  const file = join(folder.path, "source.tar");
  const dir = join(folder.path, "out");
  await writeFile(file, bytes);
  await mkdir(dir);
  await unpack(file, dir, limits, signal);
  return dir;
}

test("gzip, zstd and plain archives unpack, links inside included", async () => {
  await using folder = await TestFolder.make();
  const source = await folder.write({ "a/b.txt": "hello", "a/c.txt": "x" });
  await symlink("b.txt", join(source, "a/link"));
  await symlink("link", join(source, "a/a-link-to-a-link"));
  await symlink("../a/link", join(source, "a/through-a-link"));
  await link(join(source, "a/b.txt"), join(source, "hard"));
  const gz = await folder.archive(source);
  const plain = await folder.archive(source, "plain.tar");
  const zstd = join(folder.path, "source.tar.zst");
  await writeFile(zstd, zstdCompressSync(await readFile(plain)));
  for (const [index, file] of [gz, plain, zstd].entries()) {
    const dir = join(folder.path, `out-${index}`);
    await mkdir(dir);
    const { files } = await unpack(file, dir, LIMITS, signal);
    expect(files).toBe(8);
    expect(await readFile(join(dir, "a/a-link-to-a-link"), "utf8")).toBe("hello");
    expect(await readFile(join(dir, "hard"), "utf8")).toBe("hello");
    expect(await readlink(join(dir, "a/through-a-link"))).toBe("../a/link");
  }
});

const HOSTILE: [string, Entry[]][] = [
  ["an absolute path", [{ path: "/etc/zeroplane-test" }]],
  ["a path that climbs", [{ path: "a/../../x" }]],
  ["an absolute link", [{ path: "l", type: "SymbolicLink", linkpath: "/etc/passwd" }]],
  ["a link that climbs", [{ path: "a/l", type: "SymbolicLink", linkpath: "../../x" }]],
  [
    "a link that climbs behind a name",
    [{ path: "l", type: "SymbolicLink", linkpath: "a/../../x" }],
  ],
  ["a hard link that climbs", [{ path: "l", type: "Link", linkpath: "../x" }]],
  ["a named pipe", [{ path: "p", type: "FIFO" }]],
  [
    "a file below a link",
    [
      { path: "l", type: "SymbolicLink", linkpath: "b" },
      { path: "l/x", body: "1" },
    ],
  ],
  [
    "a link below a link",
    [
      { path: "a/b", type: "SymbolicLink", linkpath: ".." },
      { path: "a/b/l", type: "SymbolicLink", linkpath: "../.." },
    ],
  ],
];

test.each(HOSTILE)("%s is refused", async (_name, entries) => {
  await using folder = await TestFolder.make();
  await expect(unpackBytes(folder, tarOf(entries))).rejects.toMatchObject({
    code: "ERR_BUILD_UNPACK",
    phase: "unpack",
  });
});

test("something that is no archive is refused", async () => {
  await using folder = await TestFolder.make();
  const garbage = Buffer.from("this is no archive at all, only text".repeat(100));
  await expect(unpackBytes(folder, garbage)).rejects.toMatchObject({ code: "ERR_BUILD_UNPACK" });
});

test("an archive cut short is refused", async () => {
  await using folder = await TestFolder.make();
  const bytes = tarOf([{ path: "a", body: "x".repeat(5_000) }]).subarray(0, 2_048);
  await expect(unpackBytes(folder, bytes)).rejects.toMatchObject({ code: "ERR_BUILD_UNPACK" });
});

test("more bytes or files than the limits is refused before they are written", async () => {
  await using bytes = await TestFolder.make();
  const large = tarOf([{ path: "a", body: "x".repeat(2_000) }]);
  await expect(unpackBytes(bytes, large, { sourceBytes: 1_000, files: 9 })).rejects.toMatchObject({
    code: "ERR_BUILD_LIMIT",
  });
  await expect(readFile(join(bytes.path, "out/a"))).rejects.toMatchObject({ code: "ENOENT" });
  await using files = await TestFolder.make();
  const many = tarOf(Array.from({ length: 5 }, (_, index) => ({ path: `f${index}` })));
  await expect(unpackBytes(files, many, { sourceBytes: 1_000, files: 4 })).rejects.toMatchObject({
    code: "ERR_BUILD_LIMIT",
    message: "the source holds more than 4 files",
  });
});
