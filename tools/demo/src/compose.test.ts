import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (name: string): string =>
  readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8");

/** Services by name, each as its text. */
function servicesOf(compose: string): Map<string, string> {
  const [, services = ""] = /^services:\n([^]*?)^volumes:/m.exec(compose) ?? [];
  const parts = services.split(/^ {2}(?=[\w-]+:$)/m).filter((part) => /^[\w-]+:$/m.test(part));
  return new Map(parts.map((part) => [part.slice(0, part.indexOf(":")), part]));
}

test("every service that sends spans keeps them on a volume until they have left", () => {
  const compose = read("docker-compose.yml");
  const spool = /^x-environment:[^]*?^ {2}ZP_SPOOL: (\S+)$[^]*?^services:/m.exec(compose)?.[1];
  const volumes = [...read("Dockerfile").matchAll(/^VOLUME (\S+)$/gm)].map(([, path]) => path);
  expect(volumes.some((path) => spool?.startsWith(`${path}/`))).toBe(true);
  const services = servicesOf(compose);
  expect(services.size).toBeGreaterThan(8);
  for (const [name, text] of services) {
    // Keys are made once; a collector that traced itself would never come to rest.
    const isSilent = name === "keys" || name === "trace-collector";
    expect([name, text.includes("<<: *environment")]).toEqual([name, !isSilent]);
    expect([name, /ZP_SPOOL|tmpfs|read_only/.test(text)]).toEqual([name, false]);
  }
});
