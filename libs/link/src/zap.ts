import { randomUUID } from "node:crypto";
import { isLocal, toDial } from "./endpoint.ts";
import { LinkError } from "./errors.ts";
import { KeyPair, type Keyring } from "./keys.ts";
import { SafeSocket } from "./safe-socket.ts";
import type { SocketSecurity } from "./socket-options.ts";
import { toZ85 } from "./z85.ts";

const SELF_TEST_TIMEOUT_MS = 2_000;
const ZAP_ENDPOINT = "inproc://zeromq.zap.01";

/** Says which public keys may come in; asked at each handshake. */
export type Trust = (publicKey: string) => boolean;

/** How long a key that was trusted is not looked up again. */
const TRUSTED_MS = 200;

/**
 * Everyone whose `.pub` lies in the folder now; a key that was trusted is believed for 200 ms more,
 * so that many handshakes read the folder once.
 */
export function trustKeyring(keyring: Keyring): Trust {
  let trusted: ReadonlyMap<string, string> = new Map();
  let readAtMs = -TRUSTED_MS;
  return (publicKey) => {
    if (performance.now() - readAtMs < TRUSTED_MS && trusted.has(publicKey)) return true;
    trusted = keyring.trusted();
    readAtMs = performance.now();
    return trusted.has(publicKey);
  };
}

interface Domain {
  readonly trust: Trust;
  readonly denied: Set<(publicKey: string) => void>;
  refused: number;
}

/** The one ZAP handler of the process (ZeroMQ RFC 27). Denies whatever it does not know. */
class ZapHandler {
  readonly #domains = new Map<string, Domain>();
  #socket: SafeSocket | undefined;
  #started: Promise<void> = Promise.resolve();
  #stopped: Promise<void> = Promise.resolve();

  async register(trust: Trust): Promise<string> {
    await this.#start();
    const name = `zp-${randomUUID()}`;
    this.#domains.set(name, { trust, denied: new Set(), refused: 0 });
    return name;
  }

  domain(name: string): Domain | undefined {
    return this.#domains.get(name);
  }

  unregister(name: string): void {
    this.#domains.delete(name);
    if (this.#domains.size > 0 || this.#socket === undefined) return;
    this.#stopped = this.#socket[Symbol.asyncDispose]();
    this.#socket = undefined;
  }

  async #start(): Promise<void> {
    if (this.#socket !== undefined) return this.#started;
    const socket = new SafeSocket("router");
    this.#socket = socket;
    this.#started = this.#bind(socket);
    await this.#started;
  }

  async #bind(socket: SafeSocket): Promise<void> {
    await this.#stopped;
    await socket.bind(ZAP_ENDPOINT);
    void this.#serve(socket);
  }

  async #serve(socket: SafeSocket): Promise<void> {
    for await (const frames of socket) {
      const [route, empty, version, request, domain, , , mechanism, credential] = frames;
      if (route === undefined || empty === undefined || request === undefined) continue;
      const key = credential?.length === 32 ? toZ85(credential) : "";
      const known = version?.toString() === "1.0" && mechanism?.toString() === "CURVE";
      const allowed = known && this.#decide(domain?.toString() ?? "", key);
      const [code, text] = allowed ? ["200", "OK"] : ["400", "not trusted"];
      const answer = ["1.0", request, code, text, allowed ? key : "", ""];
      socket.send([route, empty, ...answer.map((part) => Buffer.from(part))]);
    }
  }

  #decide(name: string, key: string): boolean {
    const domain = this.#domains.get(name);
    if (domain === undefined) return false;
    try {
      if (domain.trust(key)) return true;
    } catch {
      // A trust that cannot be read lets nobody in.
    }
    domain.refused++;
    for (const denied of domain.denied) denied(key);
    return false;
  }
}

const handler = new ZapHandler();

/** The gate of one bound socket. */
export interface Gate extends Disposable {
  readonly security: SocketSecurity;
  /** Handshakes refused so far. */
  refused(): number;
  /**
   * Proves that a random key is turned away at `endpoint`, before anybody is told of it.
   * @throws LinkError ERR_LINK_INSECURE when it is not
   */
  selfTest(endpoint: string): Promise<void>;
}

/** Opens a gate for a socket that will bind with `key` and let in whom `trust` allows. */
export async function openGate(key: KeyPair, trust: Trust): Promise<Gate> {
  const zapDomain = await handler.register(trust);
  return {
    security: { key, zapDomain },
    refused: () => handler.domain(zapDomain)?.refused ?? 0,
    selfTest: (endpoint) => selfTest(endpoint, key.publicKey, zapDomain),
    [Symbol.dispose]: () => handler.unregister(zapDomain),
  };
}

async function selfTest(endpoint: string, serverKey: string, zapDomain: string): Promise<void> {
  const stranger = KeyPair.random();
  const domain = handler.domain(zapDomain);
  if (domain === undefined) throw new LinkError("ERR_LINK_INSECURE", "the ZAP domain is gone");
  await using probe = new SafeSocket("dealer", { security: { key: stranger, serverKey } });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const denied = (key: string): void => {
    if (key === stranger.publicKey) resolve();
  };
  domain.denied.add(denied);
  const hint = "the endpoint stays closed; check the trust folder and libzmq";
  const failure = new LinkError("ERR_LINK_INSECURE", `a random key was not refused; ${hint}`);
  const timer = setTimeout(() => reject(failure), SELF_TEST_TIMEOUT_MS);
  try {
    probe.connect(toDial(endpoint));
    await promise;
  } finally {
    clearTimeout(timer);
    domain.denied.delete(denied);
  }
}

/**
 * Refuses an open port by accident.
 * @throws LinkError ERR_LINK_INSECURE when others can reach `endpoint` and there is no key
 */
export function requireKeys(endpoint: string, secured: boolean, insecure = false): void {
  if (secured || insecure || isLocal(endpoint)) return;
  const hint = "give it a key and a trust list, bind 127.0.0.1, or say insecure: true";
  throw new LinkError("ERR_LINK_INSECURE", `${endpoint} would be open to everyone; ${hint}`);
}
