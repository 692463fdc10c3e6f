import { connect, serve } from "@zeroplane/rpc";
import { expect, test } from "vitest";
import { PageServer } from "./page-server.ts";
import { Services } from "./services.ts";

/** Prices of things. */
class Prices {
  /**
   * What a thing costs.
   *
   * @param thing its name
   */
  quote(thing: string, pieces = 1): number {
    if (thing === "air") throw new RangeError("air is free");
    return thing.length * pieces;
  }

  /** Counts for ever. */
  async *ticks(): AsyncGenerator<number> {
    for (let n = 0; ; n++) yield n;
  }
}

async function start(): Promise<AsyncDisposable & { url: string }> {
  const server = await serve(new Prices());
  const prices = connect<Prices>(server.endpoint);
  const nobody = connect<Prices>("tcp://127.0.0.1:9", { timeoutMs: 200 });
  const services = new Services({ prices, nobody });
  const pages = new PageServer({
    answers: { "/api/services": () => services.list() },
    actions: { "/api/call": (wish) => services.call(wish) },
    streams: {},
  });
  const url = `http://127.0.0.1:${await pages.listen(0, "127.0.0.1")}`;
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      for (const each of [pages, prices, nobody, server]) await each[Symbol.asyncDispose]();
    },
  };
}

async function post(url: string, body: unknown, headers = {}): Promise<[number, unknown]> {
  const response = await fetch(`${url}/api/call`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: url, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return [response.status, await response.json()];
}

test("services say what they offer, or why they do not", async () => {
  await using page = await start();
  const [prices, nobody] = (await (await fetch(`${page.url}/api/services`)).json()) as [
    { description: { methods: Record<string, { doc: { summary: string } }> } },
    { error: string },
  ];
  expect(prices.description.methods["quote"]?.doc.summary).toBe("What a thing costs.");
  expect(nobody.error).toMatch(/nobody answers/);
});

test("a call by hand takes words, and gives the value or the first items", async () => {
  await using page = await start();
  const call = (method: string, ...words: string[]): Promise<[number, unknown]> =>
    post(page.url, { process: "prices", method, words });
  expect(await call("quote", "tea", "3")).toEqual([200, { ms: expect.any(Number), value: 9 }]);
  const [, ticks] = (await call("ticks")) as [number, { items: number[]; isWhole: boolean }];
  expect([ticks.items.length, ticks.items.at(-1), ticks.isWhole]).toEqual([50, 49, false]);
});

test("what is wrong with a call is said", async () => {
  await using page = await start();
  const wrong: [unknown, number, RegExp][] = [
    [{ process: "prices", method: "quote", words: ["air"] }, 422, /air is free/],
    [{ process: "prices", method: "quote", words: [] }, 422, /thing/],
    [{ process: "prices", method: "quotes", words: [] }, 422, /quote/],
    [{ process: "rices", method: "quote", words: [] }, 422, /there are: prices, nobody/],
    [{ process: "prices", method: "quote", words: [1] }, 422, /words/],
    ["{", 400, /JSON/],
    [`"${"x".repeat(300_000)}"`, 400, /JSON/],
  ];
  for (const [body, status, text] of wrong) {
    const [got, { error }] = (await post(page.url, body)) as [number, { error: string }];
    expect([got, error]).toEqual([status, expect.stringMatching(text)]);
  }
});

test("other sites cannot make a call, nor can a form", async () => {
  await using page = await start();
  const wish = { process: "prices", method: "quote", words: ["tea"] };
  expect((await post(page.url, wish, { origin: "http://evil.example" }))[0]).toBe(403);
  expect((await post(page.url, wish, { "content-type": "text/plain" }))[0]).toBe(403);
});
