import { expect, test } from "vitest";
import { PageServer } from "./page-server.ts";

async function start(): Promise<{ server: PageServer; url: string }> {
  const server = new PageServer({
    answers: {
      "/api/apps/:name": async ({ name }) => ({ name }),
      "/api/fails": () => Promise.reject(new Error("nobody answers")),
    },
    streams: {
      "/api/ticks": async function* (_parameters, signal) {
        for (let n = 1; !signal.aborted && n <= 3; n++) yield { n };
      },
    },
  });
  return { server, url: `http://127.0.0.1:${await server.listen(0, "127.0.0.1")}` };
}

test("the page and its files are there, and run nothing from elsewhere", async () => {
  const { server, url } = await start();
  await using _server = server;
  const page = await fetch(url);
  expect(page.headers.get("content-security-policy")).toBe("default-src 'self'");
  const text = await page.text();
  for (const [, file = ""] of text.matchAll(/(?:href|src)="([^"]+)"/g)) {
    expect([file, (await fetch(`${url}/${file}`)).status]).toEqual([file, 200]);
  }
});

test("answers are JSON, and a failure says why", async () => {
  const { server, url } = await start();
  await using _server = server;
  expect(await (await fetch(`${url}/api/apps/a%20b`)).json()).toEqual({ name: "a b" });
  const failed = await fetch(`${url}/api/fails`);
  expect([failed.status, await failed.json()]).toEqual([502, { error: "nobody answers" }]);
  for (const path of ["/../etc/passwd", "//", "//[", "/%zz"]) {
    expect([path, (await fetch(`${url}${path}`)).status]).toEqual([path, 404]);
  }
});

test("streams are server-sent events", async () => {
  const { server, url } = await start();
  await using _server = server;
  const text = await (await fetch(`${url}/api/ticks`)).text();
  expect(text).toBe('data: {"n":1}\n\ndata: {"n":2}\n\ndata: {"n":3}\n\n');
});
