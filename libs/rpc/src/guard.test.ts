import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { connect, RpcError, type StandardSchema, serve } from "./index.ts";

class Shop {
  async sell(item: string, count: number): Promise<string> {
    await sleep(30);
    return `${count} ${item}`;
  }
}

/** Arguments of `sell`; the item is trimmed. */
const schema: StandardSchema = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const [item, count] = value as [unknown, unknown];
      const issues = [];
      if (typeof item !== "string") issues.push({ message: "no text", path: [0] });
      if (!Number.isInteger(count)) issues.push({ message: "no whole number", path: [1] });
      return issues.length > 0 ? { issues } : { value: [(item as string).trim(), count] };
    },
  },
};

describe("a method with a schema", () => {
  test("gets what the schema makes of the arguments", async () => {
    await using server = await serve(new Shop(), { methods: { sell: { schema } } });
    await using client = connect<Shop>(server.endpoint);
    expect(await client.sell("  tea ", 2)).toBe("2 tea");
  });

  test("is not called with others, and the caller sees each issue", async () => {
    await using server = await serve(new Shop(), { methods: { sell: { schema } } });
    await using client = connect<Shop>(server.endpoint);
    // @ts-expect-error -- what the types forbid, an untyped caller may still send
    const error: unknown = await client.sell(7, "two").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({
      code: "ERR_INVALID_ARGUMENTS",
      data: [
        { message: "no text", path: ["0"] },
        { message: "no whole number", path: ["1"] },
      ],
    });
    expect(String(error)).toContain("0: no text; 1: no whole number");
  });

  test("must be there", async () => {
    await expect(serve(new Shop(), { methods: { buy: { schema } } })).rejects.toThrow(/buy/);
  });
});

test("a method runs no more often at a time than it may, whoever calls", async () => {
  await using server = await serve(new Shop(), { methods: { sell: { callsMax: 2 } } });
  await using one = connect<Shop>(server.endpoint, { retry: 0 });
  await using two = connect<Shop>(server.endpoint, { retry: 0 });
  // Both are connected before they are compared.
  for (const each of [one, two]) await each.sell("x", 1);
  const settled = await Promise.allSettled([one, two, one, two].map((each) => each.sell("x", 1)));
  const refused = settled.filter(({ status }) => status === "rejected");
  expect(refused.length).toBe(2);
  expect(refused[0]).toMatchObject({ reason: { code: "ERR_OVERLOADED", retryable: true } });
  expect(await one.sell("x", 1)).toBe("1 x");
});
