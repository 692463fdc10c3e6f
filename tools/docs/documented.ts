/**
 * Fails with the names of public exports of the libraries, and of public methods of their classes,
 * that have no doc comment. typedoc finds them; its other warnings are about the reference itself.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

const TIMEOUT_MS = 300_000;
const folder = fileURLToPath(new URL(".", import.meta.url));
const { status, stdout, stderr, error } = spawnSync(
  process.execPath,
  ["node_modules/typedoc/bin/typedoc", "--emit", "none", "--treatWarningsAsErrors", "false"],
  { cwd: folder, encoding: "utf8", timeout: TIMEOUT_MS },
);
const lines = stripVTControlCharacters(`${stdout}\n${stderr}`).split("\n");
const bare = lines.filter((line) => line.includes("does not have any documentation"));
if (error !== undefined || status !== 0) {
  process.stderr.write(`${lines.join("\n")}\ntypedoc ended with ${status ?? String(error)}\n`);
  process.exitCode = 2;
} else if (bare.length > 0) {
  process.stderr.write(`${bare.join("\n")}\n`);
  process.exitCode = 1;
} else process.stdout.write("every public export is documented\n");
