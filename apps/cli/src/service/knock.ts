import { connect, type Socket } from "node:net";
import { CliError } from "../cli-error.ts";

/** What a ZeroMQ peer says of itself before any message. */
export interface Greeting {
  /** `NULL`: no keys; `CURVE`: only with keys. */
  readonly mechanism: string;
  /** `ROUTER`, `PUB`…; empty when it does not say so to a stranger. */
  readonly socketType: string;
}

const GREETING_BYTES = 64;
/** Signature and version: who hears another mechanism than its own hangs up before it has told it. */
const VERSION_BYTES = 12;
const READY_MS = 250;
const HEARD_MAX = 1_024;
const SHOWN_MAX = 60;

/** The greeting of a peer without keys, as ZMTP 3.0 has it. */
const OURS = Buffer.concat([
  Buffer.from("ff00000000000000017f0300", "hex"),
  Buffer.from("NULL"),
  Buffer.alloc(GREETING_BYTES - 16),
]);

/**
 * Finds out what listens at an endpoint, before anything is asked of it.
 * @param endpoint `tcp://host:port` or `ipc:///path`
 * @param timeoutMs how long to wait for it
 * @throws CliError ERR_CLI_NOBODY when nothing is there, ERR_CLI_PROTOCOL when it is no ZeroMQ
 *   socket, or one that takes no calls
 */
export async function knock(endpoint: string, timeoutMs: number): Promise<Greeting | undefined> {
  const place = placeOf(endpoint);
  if (place === undefined) return undefined;
  const heard = await listenTo(connect(place), endpoint, timeoutMs);
  if (heard.length < 10 || heard[0] !== 0xff || heard[9] !== 0x7f) throw stranger(endpoint, heard);
  const mechanism = heard.toString("latin1", 12, 32).replace(/\0.*$/s, "");
  const [, socketType = ""] = /Socket-Type\0\0\0.([A-Z]+)/s.exec(heard.toString("latin1")) ?? [];
  if (socketType !== "" && socketType !== "ROUTER" && socketType !== "REP") {
    const text = `${endpoint} is a ZeroMQ ${socketType} socket, which takes no calls`;
    throw new CliError("ERR_CLI_PROTOCOL", text);
  }
  return { mechanism, socketType };
}

function placeOf(endpoint: string): { host: string; port: number } | { path: string } | undefined {
  const [, host, port] = /^tcp:\/\/\[?([^\]]+?)\]?:(\d+)$/.exec(endpoint) ?? [];
  if (host !== undefined) return { host, port: Number(port) };
  const [, path] = /^ipc:\/\/(.+)$/.exec(endpoint) ?? [];
  return path === undefined || path.startsWith("@") ? undefined : { path };
}

/** The first bytes of whoever is there. */
function listenTo(socket: Socket, endpoint: string, timeoutMs: number): Promise<Buffer> {
  let heard = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(deadline);
      socket.destroy();
      if (heard.length > 0) return resolve(heard);
      const text = `${endpoint} takes connections and says nothing: it is no ZeroMQ socket`;
      reject(new CliError("ERR_CLI_PROTOCOL", text));
    };
    let deadline = setTimeout(() => {
      if (!socket.connecting) return end();
      socket.destroy();
      reject(nobody(endpoint, "no answer"));
    }, timeoutMs);
    socket.once("connect", () => socket.write(OURS.subarray(0, VERSION_BYTES)));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(deadline);
      if (heard.length > 0) return end();
      reject(nobody(endpoint, error.code ?? error.message));
    });
    socket.once("close", end);
    let isTold = false;
    socket.on("data", (bytes) => {
      heard = Buffer.concat([heard, bytes]);
      const isGreeting = heard[0] === 0xff;
      const isWhole = heard.length > GREETING_BYTES || heard.length > HEARD_MAX;
      if (!isGreeting || (isWhole && heard.includes("Socket-Type"))) return end();
      // With keys nothing more comes.
      if (heard.length >= GREETING_BYTES) {
        clearTimeout(deadline);
        if (heard.includes("CURVE") || heard.length > HEARD_MAX) return end();
        deadline = setTimeout(end, READY_MS);
        if (!isTold) socket.write(OURS.subarray(VERSION_BYTES));
        isTold = true;
      }
    });
  });
}

function nobody(endpoint: string, why: string): CliError {
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: "connection refused",
    ENOENT: "no such socket",
    ENOTFOUND: "no such host",
    EAI_AGAIN: "the name cannot be looked up now",
  };
  const text = `nobody answers at ${endpoint} (${reasons[why] ?? why}); is it running?`;
  return new CliError("ERR_CLI_NOBODY", text);
}

const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/^HTTP\//, "a web server"],
  [/^SSH-/, "an SSH server"],
  [/^-ERR/, "a Redis server"],
  [/^220 /, "a mail or FTP server"],
];

function stranger(endpoint: string, heard: Buffer): CliError {
  const text = heard.toString("latin1");
  const [, kind] = KNOWN.find(([begin]) => begin.test(text)) ?? [];
  const [first = ""] = text.split(/\r?\n/);
  const shown = JSON.stringify(first.slice(0, SHOWN_MAX));
  const what = kind === undefined ? "no ZeroMQ socket" : `${kind}, no ZeroMQ socket`;
  return new CliError("ERR_CLI_PROTOCOL", `${endpoint} is ${what}: it says ${shown}`);
}
