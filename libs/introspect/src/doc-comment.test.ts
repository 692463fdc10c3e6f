import { expect, test } from "vitest";
import { parseDocComment } from "./doc-comment.ts";

const parse = (...lines: string[]) =>
  parseDocComment(`*\n${lines.map((line) => ` * ${line}`).join("\n")}\n `);

test("the first paragraph is the summary, the rest and the remarks describe", () => {
  const { doc } = parse(
    "Starts a deploy",
    "of an app.",
    "",
    "It is queued.",
    "",
    "- one",
    "- two",
    "",
    "@remarks",
    "Slow.",
  );
  expect(doc.summary).toBe("Starts a deploy of an app.");
  expect(doc.description).toBe("It is queued.\n\n- one\n- two\n\nSlow.");
});

test("tags are read with their text over many lines", () => {
  const { doc } = parse(
    "Does.",
    "@param app - its name,",
    "  in full",
    "@param ref a branch",
    "@returns the deploy",
    "@throws {RangeError} when full",
    "@throws when closed",
    "@deprecated use other",
    "@since 2.0",
  );
  expect(doc.params).toEqual({ app: "its name,\n  in full", ref: "a branch" });
  expect(doc.returns).toBe("the deploy");
  expect(doc.throws).toEqual(["`RangeError` when full", "when closed"]);
  expect(doc.deprecated).toBe("use other");
  expect(doc.tags).toEqual({ since: ["2.0"] });
});

test("an example keeps its layout, and an at sign in a fence is no tag", () => {
  const { doc } = parse("Does.", "@example", "```ts", "@decorator", "  indented();", "```");
  expect(doc.examples).toEqual(["```ts\n@decorator\n  indented();\n```"]);
});

test("links become what a reader should see", () => {
  const { doc } = parse(
    "See {@link Deploys.list}, {@link get | the other}, {@link https://a.example docs}, {@link https://b.example}.",
  );
  expect(doc.summary).toBe(
    "See `Deploys.list`, the other, [docs](https://a.example), <https://b.example>.",
  );
});

test("JSDoc types are taken apart from the words", () => {
  const { doc, types } = parse(
    "@param {{ a: string }} options what",
    "@param {number} [count=1] how many",
    "@returns {Promise<void>} nothing",
  );
  expect(doc.params).toEqual({ options: "what", count: "how many" });
  expect(types.params).toEqual({
    options: { type: "{ a: string }", optional: false },
    count: { type: "number", optional: true, default: "1" },
  });
  expect(types.returns).toBe("Promise<void>");
});

test("one line, no words, and names that would bite are fine", () => {
  expect(parseDocComment("* One line. ").doc.summary).toBe("One line.");
  expect(parseDocComment("*").doc.summary).toBe("");
  const { doc } = parse("@param __proto__ odd", "@__proto__x y", "@constructor z");
  expect(Object.getPrototypeOf(doc.params)).toBe(Object.prototype);
  expect(Object.keys(doc.params)).toEqual(["__proto__"]);
});
