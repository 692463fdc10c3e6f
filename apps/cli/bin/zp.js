#!/usr/bin/env node
// Runs src/main.ts with Node 24: this one, or that of the package `node` when this one is older.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR = 24;
const isWindows = process.platform === "win32";

function findNode() {
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR) return process.execPath;
  try {
    const manifest = createRequire(import.meta.url).resolve("node/package.json");
    return join(dirname(manifest), "bin", isWindows ? "node.exe" : "node");
  } catch {
    process.stderr.write(`zp: needs Node ${NODE_MAJOR}, this is ${process.version}\n`);
    return process.exit(1);
  }
}

function become(node, args) {
  if (!isWindows && process.execve !== undefined) {
    process.execve(node, [node, ...args], process.env);
  }
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

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
become(findNode(), ["-C", "@zeroplane/source", main, ...process.argv.slice(2)]);
