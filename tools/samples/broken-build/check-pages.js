// Checks that every page the menu links to exists. One does not: this build is meant to fail.
import { existsSync, readFileSync } from "node:fs";

const menu = JSON.parse(readFileSync("menu.json", "utf8"));
console.log(`checking ${menu.length} pages`);
for (const { title, page } of menu) {
  if (!existsSync(page))
    throw new Error(`menu entry "${title}" links to ${page}, which does not exist`);
  console.log(`  ${page} is there`);
}
