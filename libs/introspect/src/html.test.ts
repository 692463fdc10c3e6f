import { expect, test } from "vitest";
import { describe } from "./describe.ts";
import { Orders } from "./fixtures/kinds.ts";
import { toHtml } from "./html.ts";

const description = await describe(new Orders());

test("a site has an index and a page for each service, and every link leads somewhere", () => {
  const pages = toHtml([description, description]);
  expect([...pages.keys()]).toEqual(["orders.html", "orders-2.html", "index.html"]);
  let followed = 0;
  for (const [name, page] of pages) {
    for (const [, file, hash] of page.matchAll(/href="([^"#]*)#?([^"]*)"/g)) {
      const target = pages.get(file || name);
      expect(target).toBeDefined();
      if (hash) expect(target).toContain(`id="${hash}"`);
      followed += 1;
    }
    expect(page).not.toMatch(/src=|@import|url\(/);
  }
  expect(followed).toBeGreaterThan(20);
  const page = pages.get("orders.html");
  expect(page).toContain('Promise&lt;<a href="#type-Order">Order</a>&gt;');
  expect(page).toContain("`RangeError` when there is none");
});

test("an author's words cannot become markup, nor a place a script", () => {
  const hostile = structuredClone(description);
  hostile.name = '"><script>alert(1)</script>';
  hostile.methods["change"]!.doc!.summary = "<img src=x onerror=alert(1)>";
  const pages = toHtml([hostile], { sourceUrl: () => "javascript:alert(1)" });
  for (const page of pages.values()) {
    expect(page).not.toContain("<img");
    expect(page).not.toContain("<script>alert");
    expect(page).not.toContain("javascript:");
  }
  const linked = toHtml([description], {
    sourceUrl: ({ line }) => `https://example.org/#L${line}`,
  });
  expect(linked.get("orders.html")).toMatch(/<a href="https:\/\/example\.org\/#L\d+">/);
});
