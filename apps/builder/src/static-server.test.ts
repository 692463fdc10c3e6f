import { spawn } from "node:child_process";
import { once } from "node:events";
import { symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { STATIC_SERVER_SOURCE } from "./detect-static.ts";
import { TestFolder, until } from "./testing.ts";

/** The server as a process, on a port the kernel chose. */
class StaticServer implements AsyncDisposable {
  readonly #child;
  port = 0;

  constructor(root: string) {
    this.#child = spawn(process.execPath, [STATIC_SERVER_SOURCE.pathname, root], {
      env: { PORT: "0" },
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  static async start(root: string): Promise<StaticServer> {
    const server = new StaticServer(root);
    server.#child.stdout.on("data", (chunk: Buffer) => {
      const port = /port (\d+)/.exec(chunk.toString())?.[1];
      if (port !== undefined) server.port = Number(port);
    });
    await until(() => server.port > 0);
    return server;
  }

  /** One request with the path exactly as given, which fetch would tidy up. */
  async get(path: string, method = "GET", headers = {}) {
    const sent = request({ port: this.port, path, method, headers, agent: false }).end();
    const [response] = await once(sent, "response");
    let body = "";
    for await (const chunk of response) body += String(chunk);
    return { status: response.statusCode as number, headers: response.headers, body };
  }

  async stop(): Promise<number> {
    this.#child.kill("SIGTERM");
    const [code] = await once(this.#child, "exit");
    return Number(code);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.stop();
  }
}

test("files, folders, types, HEAD, conditional requests, 404 and 405 are answered", async () => {
  await using folder = await TestFolder.make();
  const root = await folder.write({
    "index.html": "<h1>home</h1>",
    "sub/index.html": "sub",
    "a b.css": "x{}",
    "about.html": "about",
    "404.html": "lost",
    "empty.txt": "",
  });
  await using server = await StaticServer.start(root);
  const home = await server.get("/?q=1");
  expect(home).toMatchObject({ status: 200, body: "<h1>home</h1>" });
  expect(home.headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(await server.get("/", "HEAD")).toMatchObject({ status: 200, body: "" });
  const etag = home.headers["etag"];
  expect(await server.get("/", "GET", { "If-None-Match": etag })).toMatchObject({ status: 304 });
  const since = { "If-Modified-Since": home.headers["last-modified"] };
  expect(await server.get("/", "GET", since)).toMatchObject({ status: 304 });
  expect((await server.get("/a%20b.css")).headers["content-type"]).toContain("text/css");
  expect(await server.get("/about")).toMatchObject({ status: 200, body: "about" });
  expect(await server.get("/empty.txt")).toMatchObject({ status: 200, body: "" });
  expect((await server.get("/sub?x=1")).headers["location"]).toBe("/sub/?x=1");
  expect(await server.get("/sub/")).toMatchObject({ status: 200, body: "sub" });
  expect(await server.get("/nothing")).toMatchObject({ status: 404, body: "lost" });
  expect(await server.get("/", "POST")).toMatchObject({ status: 405 });
  expect(await server.stop()).toBe(0);
});

test("nothing outside the folder and no hidden file is served", async () => {
  await using folder = await TestFolder.make();
  await writeFile(join(folder.path, "secret.txt"), "secret");
  const root = await folder.write({ "index.html": "home", ".env": "secret" });
  await symlink("../secret.txt", join(root, "link.txt"));
  await symlink("..", join(root, "up"));
  await using server = await StaticServer.start(root);
  for (const path of [
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/link.txt",
    "/up/secret.txt",
    "/.env",
    "/%00",
    "/%zz",
    "/..\\secret.txt",
  ]) {
    const answer = await server.get(path);
    expect([path, answer.status]).toEqual([path, 404]);
    expect(answer.body).not.toContain("secret");
  }
  expect((await server.get("//evil.example/..%2f")).status).toBe(404);
});
