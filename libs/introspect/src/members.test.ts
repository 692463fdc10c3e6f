import { EventEmitter } from "node:events";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { IntrospectError } from "./errors.ts";
import { nativeImport } from "./fixtures/native-import.ts";
import { MEMBERS_MAX, members } from "./members.ts";

const namesOf = (target: unknown) => [...members(target).keys()];

test("own and inherited methods are members, and nothing that Object brings", () => {
  class Base {
    shared() {}
    toString() {
      return "base";
    }
  }
  class Service extends Base {
    own() {}
    arrow = () => 1;
    #hidden() {}
    _internal() {}
    $internal() {}
    // oxlint-disable-next-line unicorn/no-thenable -- what a server must not serve
    then() {}
    toJSON() {}
    inspect() {}
    [Symbol.iterator]() {}
    uses() {
      this.#hidden();
    }
    static make() {}
  }
  expect(namesOf(new Service())).toEqual(["arrow", "own", "uses", "shared"]);
});

test("an override hides what it overrides, also when it is no function any more", () => {
  class Base {
    first() {
      return "base";
    }
    second() {}
  }
  class Service extends Base {
    override first() {
      return "service";
    }
  }
  const service = new Service();
  Object.defineProperty(service, "second", { value: 2, enumerable: true });
  const first = members(service).get("first")?.fn as (this: Service) => string;
  expect(namesOf(service)).toEqual(["first"]);
  expect(first.call(service)).toBe("service");
});

test("getters are never run", () => {
  let runs = 0;
  class Service {
    get peers() {
      runs += 1;
      return { list() {} };
    }
    ping() {}
  }
  const plain = {
    get lazy() {
      runs += 1;
      return () => 1;
    },
    inner: new Service(),
  };
  expect(namesOf(plain)).toEqual(["inner.ping"]);
  expect(runs).toBe(0);
});

test("nested objects give dotted names with their own `this`, down to four segments", () => {
  const jobs = { stop() {}, deep: { deeper: { last() {}, tooDeep: { never() {} } } } };
  const found = members({ jobs });
  expect([...found.keys()]).toEqual(["jobs.stop", "jobs.deep.deeper.last"]);
  expect(found.get("jobs.stop")?.owner).toBe(jobs);
  expect(found.get("jobs.deep.deeper.last")?.path).toEqual(["jobs", "deep", "deeper", "last"]);
});

test("cycles end, and one object may be reached by two names", () => {
  const inner = { ping() {} };
  const root: Record<string, unknown> = { one: inner, two: inner };
  root["self"] = root;
  expect(namesOf(root)).toEqual(["one.ping", "two.ping"]);
});

test("what the platform made is not descended into, and classes are not callable", () => {
  const target = {
    list: [() => 1],
    map: new Map([["a", () => 1]]),
    date: new Date(),
    bytes: Buffer.from("x"),
    promise: Promise.resolve(1),
    signal: new AbortController().signal,
    emitter: new EventEmitter(),
    stream: Readable.from([]),
    proxied: new Proxy({ trap() {} }, {}),
    Klass: class {},
    plain() {},
  };
  expect(namesOf(target)).toEqual(["plain"]);
});

test("a service that is an emitter serves its own methods only", () => {
  class Service extends EventEmitter {
    ping() {}
  }
  class Source extends Readable {
    pull() {}
  }
  expect(namesOf(new Service())).toEqual(["ping"]);
  expect(namesOf(new Source())).toEqual(["pull"]);
});

test("a function is served under its own name, or as call", () => {
  function named() {}
  expect(namesOf(named)).toEqual(["named"]);
  expect(
    namesOf(
      (
        () => () =>
          1
      )(),
    ),
  ).toEqual(["call"]);
  expect(members(named).get("named")?.owner).toBeUndefined();
});

test("a module serves its exports, and its default only when there is nothing else", async () => {
  const url = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`;
  const load = (text: string) => nativeImport(url(text));
  expect(
    namesOf(await load("export function a(){}; export const n = 1; export default { b(){} }")),
  ).toEqual(["a"]);
  expect(namesOf(await load("export default { b(){} }"))).toEqual(["b"]);
  expect(
    namesOf(await load("export default class { static s(){} }; export function f(){}")),
  ).toEqual(["f"]);
  expect(namesOf(await import("./fixtures/region-service.ts"))).toEqual(["nearest"]);
});

test("a class, a primitive and a proxy are refused by name", () => {
  class Deploys {}
  expect(() => members(Deploys)).toThrow(/Deploys is a class.*new Deploys/);
  for (const target of [null, undefined, 7, "x", new Proxy({}, {})]) {
    expect(() => members(target)).toThrow(IntrospectError);
  }
});

test("the limit on members is an error, not a cut", () => {
  const entry = (at: number) => [`m${at}`, () => at] as const;
  const full = Object.fromEntries(Array.from({ length: MEMBERS_MAX }, (_, at) => entry(at)));
  expect(members(full).size).toBe(MEMBERS_MAX);
  expect(() => members({ ...full, more() {} })).toThrow(
    expect.objectContaining({ code: "ERR_INTROSPECT_LIMIT", retryable: false }),
  );
});
