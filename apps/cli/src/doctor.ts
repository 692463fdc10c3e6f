import { existsSync, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { formatBytes } from "./render/units.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  /** `poor`: it works, with less. */
  readonly state: "good" | "poor" | "bad";
  readonly found: string;
  /** What to do about it. */
  readonly mend?: string;
}

const NODE_MAJOR = 24;
const FILES_LEAST = 4_096;
const DISK_LEAST_BYTES = 1024 ** 3;
/** Where the first router of a platform would like to be. */
const HTTP_PORT = 8080;

/**
 * Looks whether this machine has what services need.
 * @param dataFolder where a platform keeps what it must not lose
 */
export async function examine(dataFolder: string): Promise<Finding[]> {
  return [
    node(),
    ...(await zeromq()),
    openFiles(),
    await disk(dataFolder),
    await port("loopback", 0, "bad"),
    await port(`port ${HTTP_PORT}`, HTTP_PORT, "poor"),
  ];
}

function node(): Finding {
  const { node: found } = process.versions;
  const isNew = Number.parseInt(found, 10) >= NODE_MAJOR;
  const about = { name: "node", found: `${found} at ${process.execPath}` };
  if (isNew) return { ...about, state: "good" };
  return { ...about, state: "bad", mend: `install Node ${NODE_MAJOR} or later` };
}

async function zeromq(): Promise<Finding[]> {
  try {
    const { hasDraft, KeyPair, listen } = await import("@zeroplane/link");
    await using listener = await listen("tcp://127.0.0.1:*");
    const draft: Finding = hasDraft
      ? { name: "draft", state: "good", found: "libzmq tells the ends of connections" }
      : {
          name: "draft",
          state: "poor",
          found:
            "libzmq does not tell the ends of connections; losses are seen by silence, in 10 s",
          mend: "install zeromq's prebuilt binary: npm rebuild zeromq",
        };
    return [
      { name: "zeromq", state: "good", found: `binds ${listener.endpoint}` },
      curve(() => KeyPair.random().publicKey),
      draft,
    ];
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return [{ name: "zeromq", state: "bad", found, mend: "npm rebuild zeromq" }];
  }
}

function curve(make: () => string): Finding {
  try {
    return { name: "curve", state: "good", found: `makes keys (${make().length} characters)` };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return { name: "curve", state: "bad", found, mend: "use a libzmq that was built with CURVE" };
  }
}

function openFiles(): Finding {
  const limit = fileLimit();
  if (limit === undefined) return { name: "open files", state: "good", found: "not told here" };
  const about = { name: "open files", found: `at most ${limit}` };
  if (limit >= FILES_LEAST) return { ...about, state: "good" };
  return {
    ...about,
    state: "poor",
    mend: `ulimit -n ${FILES_LEAST} in the shell that starts services`,
  };
}

function fileLimit(): number | undefined {
  try {
    const [, soft = ""] =
      /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return undefined;
  }
}

async function disk(folder: string): Promise<Finding> {
  let place = folder;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  const { bavail, bsize } = await statfs(existsSync(place) ? place : tmpdir());
  const free = bavail * bsize;
  const about = { name: "disk", found: `${formatBytes(free)} free at ${place}` };
  if (free >= DISK_LEAST_BYTES) return { ...about, state: "good" };
  const mend = "make room there, or keep data elsewhere: --data FOLDER or ZP_DATA_DIR";
  return { ...about, state: free === 0 ? "bad" : "poor", mend };
}

function port(name: string, wanted: number, state: "poor" | "bad"): Promise<Finding> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", ({ message }) => {
      const mend =
        wanted === 0
          ? "bring the loopback interface up"
          : "zp up takes another one by itself, or the one you name with --port";
      resolve({ name, state, found: message, mend });
    });
    server.listen(wanted, "127.0.0.1", () => {
      server.close(() => resolve({ name, state: "good", found: "free" }));
    });
  });
}
