import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { type DialKeys, KeyPair } from "@zeroplane/link";
import { connectQueue, type RemoteQueue } from "@zeroplane/patterns";
import { type Errand, QUEUE } from "./errand.ts";

const SCRIPT = fileURLToPath(new URL("process.ts", import.meta.url));

/** How a job is in the file of the dealer, when everything is over. */
export interface FinalJob {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
}

/** Options of the queue, and `secret`: both halves of the dealer's key, when its lines are encrypted. */
export type TownOptions = Readonly<Record<string, unknown>> & {
  readonly secret?: readonly [publicKey: string, secretKey: string];
};

/** A dealer with its file, workers with their histories, and a producer here. */
export class Town implements AsyncDisposable {
  readonly producer: RemoteQueue<Errand, number>;
  /** How its dealer is dialled, when it has a key. */
  readonly keys: DialKeys | undefined;
  /** Where the dealer is. */
  readonly endpoint: string;
  readonly #folder: string;
  readonly #options: object;
  readonly #workers = new Map<string, ChildProcess>();
  #dealer: ChildProcess | undefined;
  #isOver = false;
  /** How long each start of the dealer took, milliseconds. */
  readonly openMs: number[] = [];

  private constructor(endpoint: string, options: TownOptions, disk: string) {
    this.endpoint = endpoint;
    const friend = KeyPair.random();
    this.#options = { ...options, friend: friend.publicKey };
    this.#folder = mkdtempSync(join(disk, "zp-chaos-"));
    const { secret } = options;
    this.keys = secret && { key: friend, serverKey: secret[0] };
    const how = { timeoutMs: 60_000, ...(this.keys && { keys: this.keys }) };
    this.producer = connectQueue<Errand, number>(endpoint, QUEUE, how);
  }

  /**
   * @param options of the queue
   * @param disk folder for its file and the histories (default the system's for temporary files)
   */
  static async found(options: TownOptions = {}, disk = tmpdir()): Promise<Town> {
    const town = new Town(`tcp://127.0.0.1:${await freePort()}`, options, disk);
    await town.startDealer();
    return town;
  }

  async startDealer(): Promise<void> {
    const child = this.#fork("dealer", [this.endpoint, this.file, JSON.stringify(this.#options)]);
    this.#dealer = child;
    const [{ openMs }] = (await once(child, "message")) as [{ openMs: number }];
    this.openMs.push(openMs);
  }

  async startWorker(name: string, credit = 1): Promise<ChildProcess> {
    const child = this.#fork("worker", [this.endpoint, name, this.#history(name), String(credit)]);
    this.#workers.set(name, child);
    await once(child, "message");
    return child;
  }

  worker(name: string): ChildProcess {
    const child = this.#workers.get(name);
    if (child === undefined) throw new RangeError(`no worker ${name}`);
    return child;
  }

  /** As `kill -9` does. */
  async stopDealer(): Promise<void> {
    await killed(this.#dealer);
  }

  /** As `kill -9` does, then starts it again. */
  async killDealer(): Promise<void> {
    await this.stopDealer();
    await this.startDealer();
  }

  /** As `kill -9` does, then starts it again. */
  async killWorker(name: string, credit: number): Promise<void> {
    await killed(this.worker(name));
    await this.startWorker(name, credit);
  }

  /** Every lease that a worker began, as `id/token`. */
  runs(): string[] {
    return [...this.#workers.keys()].flatMap((name) => {
      const history = this.#history(name);
      // The last line of a process that was killed may be cut.
      return existsSync(history) ? readFileSync(history, "utf8").split("\n").slice(0, -1) : [];
    });
  }

  /** Stops the dealer, and reads what its file says. */
  async end(): Promise<Map<string, FinalJob>> {
    await killed(this.#dealer);
    const db = new DatabaseSync(this.file);
    const rows = db.prepare("SELECT id, state, attempt, failures, crashes FROM jobs").all();
    db.close();
    return new Map(rows.map((row) => [row["id"] as string, row as unknown as FinalJob]));
  }

  /** True when its processes are being ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.producer.close();
    await Promise.all([this.#dealer, ...this.#workers.values()].map(killed));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The file of the dealer. */
  get file(): string {
    return join(this.#folder, "jobs.db");
  }

  #history(name: string): string {
    return join(this.#folder, `${name}.history`);
  }

  #fork(role: string, args: readonly string[]): ChildProcess {
    return fork(SCRIPT, [role, ...args], { execArgv: ["-C", "@zeroplane/source"] });
  }
}

/** Ends it as `kill -9` does, and waits until it is gone. */
export async function killed(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
