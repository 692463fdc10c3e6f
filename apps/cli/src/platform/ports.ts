import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { CliError } from "../cli-error.ts";

/** Below the ports that systems give to outgoing connections, so that none of those takes one. */
const LOWEST = 20_000;
const HIGHEST = 29_999;
const TRIES = 200;

/** Hands out ports of this machine's loopback address, each one once. */
export class Ports {
  readonly #given = new Set<number>();

  /**
   * A port that somebody asked for.
   * @param whose for the message
   * @throws CliError ERR_CLI_PORT when it is taken
   */
  async claim(port: number, whose: string): Promise<number> {
    if (this.#given.has(port) || !(await isFree(port))) {
      throw new CliError("ERR_CLI_PORT", `port ${port} (${whose}) is in use; choose another`);
    }
    this.#given.add(port);
    return port;
  }

  /**
   * A free port.
   * @param before the one it had before, given again when it is still free
   * @throws CliError ERR_CLI_PORT when none is found
   */
  async pick(before?: number): Promise<number> {
    for (let tries = 0; tries < TRIES; tries++) {
      const port = tries === 0 && before !== undefined ? before : randomInt(LOWEST, HIGHEST + 1);
      if (this.#given.has(port) || !(await isFree(port))) continue;
      this.#given.add(port);
      return port;
    }
    throw new CliError("ERR_CLI_PORT", `no free port between ${LOWEST} and ${HIGHEST}`);
  }
}

/** True when nobody listens at `port` of loopback. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
