import type { Listener } from "@zeroplane/link";
import { expect, test } from "vitest";
import { ProcessInfo } from "./process-info.ts";

function infoAt(endpoint: string): ProcessInfo {
  const listener = (): Listener => ({ endpoint }) as Listener;
  const facts = { service: "shop", node: "shop-1", tracing: undefined, checks: new Map() };
  return new ProcessInfo({ ...facts, listener });
}

test("calls and profiles of a process that others reach are not for who has proved no key", async () => {
  const info = infoAt("tcp://10.0.0.4:7000");
  expect(() => info.tap()).toThrow(expect.objectContaining({ code: "ERR_FORBIDDEN" }));
  await expect(info.profile({ ms: 1 })).rejects.toMatchObject({ code: "ERR_FORBIDDEN" });
  const here = infoAt("tcp://127.0.0.1:7000");
  expect(JSON.parse(await here.profile({ ms: 1 }))).toHaveProperty("samples");
});
