import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { listen } from "./index.ts";

const LINES_MAX = 15;

function start(folder: string, name: string): ChildProcess {
  const words = ["-C", "@zeroplane/source", join(folder, `${name}.mts`)];
  return spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
}

async function freeEndpoint(): Promise<string> {
  await using listener = await listen("tcp://127.0.0.1:*");
  return listener.endpoint;
}

test("the two programs of the README talk, whichever starts first", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const programs = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)]
    .slice(0, 2)
    .map(([, text = ""]) => text);
  const lines = programs
    .join("")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("//"));
  expect(lines.length).toBeLessThan(LINES_MAX);
  const folder = await mkdtemp(join(tmpdir(), "link-readme-"));
  const endpoint = await freeEndpoint();
  await mkdir(join(folder, "node_modules/@zeroplane"), { recursive: true });
  await symlink(
    fileURLToPath(new URL("..", import.meta.url)),
    join(folder, "node_modules/@zeroplane/link"),
  );
  for (const [index, name] of ["server", "client"].entries()) {
    const program = programs[index]?.replaceAll("tcp://127.0.0.1:5000", endpoint) ?? "";
    expect(program).toContain(endpoint);
    await writeFile(join(folder, `${name}.mts`), program);
  }
  const client = start(folder, "client");
  const server = start(folder, "server");
  try {
    const [said] = (await once(client.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    expect(String(said).trim()).toBe("hello, world");
    const [code] = (await once(client, "exit")) as [number];
    expect(code).toBe(0);
  } finally {
    client.kill("SIGKILL");
    server.kill("SIGKILL");
    await rm(folder, { recursive: true });
  }
});
