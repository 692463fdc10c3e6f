import { expect, test } from "vitest";
import { Config } from "./config.ts";

test("headers of the tee are read, and what is none is named", () => {
  const { ZP_TEE_HEADERS: headers } = Config.shape;
  expect(headers.parse("authorization=Bearer%20k, x-team = a=b")).toEqual({
    authorization: "Bearer k",
    "x-team": "a=b",
  });
  expect(headers.parse("")).toEqual({});
  expect(() => headers.parse("nonsense")).toThrow("name=value");
  expect(() => Config.shape.ZP_TEE.parse("ftp://x")).toThrow();
});
