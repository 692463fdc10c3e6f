#!/usr/bin/env node
// Runs src/main.ts with Node 24: in this process, or in that of the package `node` when this one
// is older. What can be told without it is told here.
import { readFileSync } from "node:fs";
import module, { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR = 24;
const isWindows = process.platform === "win32";

function findNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve("node/package.json");
    return join(dirname(manifest), "bin", isWindows ? "node.exe" : "node");
  } catch {
    process.stderr.write(`zp: needs Node ${NODE_MAJOR}, this is ${process.version}\n`);
    return process.exit(1);
  }
}

async function become(node, args) {
  const { spawn } = await import("node:child_process");
  // A terminal sends its signals to every process of the group, so the child gets them anyway;
  // without a terminal it has a group of its own and gets each of them from here, once.
  const hasTerminal = process.stdin.isTTY === true;
  const child = spawn(node, args, {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    detached: !hasTerminal && !isWindows,
    env: { ...process.env, ZP_STARTER: String(process.pid) },
  });
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
    process.on(name, () => {
      if (!hasTerminal || name === "SIGTERM") child.kill(name);
    });
  }
  child.on("error", (error) => {
    process.stderr.write(`zp: cannot start ${node}: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}

/** The packages of this folder run from their sources. */
function useSources() {
  const condition = "@zeroplane/source";
  module.registerHooks({
    // What is written as a path stands where it is written: conditions are for names.
    resolve: (specifier, context, next) =>
      specifier.startsWith(".") || specifier.startsWith("node:")
        ? next(specifier)
        : next(specifier, { ...context, conditions: [...context.conditions, condition] }),
  });
  // For who looks there how this process resolves names, and for processes that it forks.
  process.execArgv.push("-C", condition);
}

const [word, ...more] = process.argv.slice(2);
if ((word === "--version" || word === "-V") && more.length === 0) {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  process.stdout.write(`${JSON.parse(manifest).version}\n`);
} else if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR) {
  useSources();
  // What was compiled once is not compiled again, and the compiler of types not even loaded.
  module.enableCompileCache();
  await import("../src/main.ts");
} else {
  await become(findNode(), [fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
}
