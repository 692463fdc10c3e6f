import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
} from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { inspect } from "node:util";
import { curveKeyPair } from "zeromq";
import { LinkError } from "./errors.ts";
import { fromZ85 } from "./z85.ts";

const KEY_LENGTH = 40;

/** A CURVE key pair. It shows neither half of itself in logs, dumps or JSON but the public one. */
export class KeyPair {
  /** 40 characters of Z85; give it to everyone. */
  readonly publicKey: string;
  readonly #secretKey: string;

  constructor(publicKey: string, secretKey: string) {
    this.publicKey = checkKey(publicKey);
    this.#secretKey = checkKey(secretKey);
  }

  /** A new random pair. */
  static random(): KeyPair {
    const { publicKey, secretKey } = curveKeyPair();
    return new KeyPair(publicKey, secretKey);
  }

  /** The secret half, for the socket. */
  reveal(): string {
    return this.#secretKey;
  }

  /** The public key alone: the secret one is written nowhere by accident. */
  toJSON(): string {
    return `[key ${this.publicKey.slice(0, 8)}]`;
  }

  /** As {@link toJSON}, for whoever prints it. */
  [inspect.custom](): string {
    return this.toJSON();
  }
}

function checkKey(key: string): string {
  if (key.length !== KEY_LENGTH) {
    throw new LinkError(
      "ERR_LINK_KEY",
      `a CURVE key has ${KEY_LENGTH} characters, not ${key.length}`,
    );
  }
  fromZ85(key);
  return key;
}

/**
 * A folder of keys: `<name>.key` (secret, mode 0600) and `<name>.pub`. Everyone whose `.pub` lies
 * there is trusted; files come and go by rename, so a reader never sees half a key.
 */
export class Keyring {
  readonly folder: string;

  /** @param folder made with mode 0700 when it does not exist */
  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Makes a pair for `name`, or gives the one that is there. */
  create(name: string): KeyPair {
    const path = this.#path(name, "key");
    try {
      return readKeyPair(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    const pair = KeyPair.random();
    replaceFile(path, `${pair.publicKey}\n${pair.reveal()}\n`, 0o600);
    this.trust(name, pair.publicKey);
    return pair;
  }

  /** The pair of `name`. @throws LinkError ERR_LINK_KEY when there is none or others may read it */
  pair(name: string): KeyPair {
    try {
      return readKeyPair(this.#path(name, "key"));
    } catch (cause) {
      if (!isMissing(cause)) throw cause;
      const hint = `make it with: zp keys new ${name}`;
      throw new LinkError("ERR_LINK_KEY", `no key of ${name} in ${this.folder}; ${hint}`, {
        cause,
      });
    }
  }

  /** The public key of `name`. @throws LinkError ERR_LINK_KEY when it is not known */
  publicKey(name: string): string {
    try {
      return checkKey(readFileSync(this.#path(name, "pub"), "utf8").trim());
    } catch (cause) {
      if (!isMissing(cause)) throw cause;
      const hint = `put ${name}.pub into ${this.folder}`;
      throw new LinkError("ERR_LINK_KEY", `the key of ${name} is not known; ${hint}`, { cause });
    }
  }

  /** Name of every trusted public key, read from the folder now. A file that is no key is no key. */
  trusted(): Map<string, string> {
    const keys = new Map<string, string>();
    for (const file of readdirSync(this.folder)) {
      if (!file.endsWith(".pub")) continue;
      const key = readIfThere(join(this.folder, file))?.trim();
      if (key?.length === KEY_LENGTH) keys.set(key, basename(file, ".pub"));
    }
    return keys;
  }

  /**
   * Trusts `publicKey` under `name`, in place of the key that `name` had.
   * @throws LinkError ERR_LINK_KEY when it is no CURVE key, or `name` no plain name
   */
  trust(name: string, publicKey: string): void {
    replaceFile(this.#path(name, "pub"), `${checkKey(publicKey)}\n`, 0o644);
  }

  /**
   * Trusts the key of `name` no more: listeners that ask this folder refuse it from now on and end
   * its sessions within a second. The pair itself stays.
   * @returns false when it was not trusted
   */
  revoke(name: string): boolean {
    try {
      unlinkSync(this.#path(name, "pub"));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  #path(name: string, kind: "key" | "pub"): string {
    if (!/^[\w][\w.-]*$/.test(name)) {
      const hint = "use letters, digits, dots and dashes";
      throw new LinkError("ERR_LINK_KEY", `${JSON.stringify(name)} is no name of a key; ${hint}`);
    }
    return join(this.folder, `${name}.${kind}`);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** @returns `undefined` when it went while the folder was read */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function replaceFile(path: string, text: string, mode: number): void {
  const next = join(dirname(path), `.${basename(path)}.${process.pid}`);
  writeFileSync(next, text, { mode });
  chmodSync(next, mode);
  renameSync(next, path);
}

function readKeyPair(path: string): KeyPair {
  const { mode } = statSync(path);
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new LinkError("ERR_LINK_KEY", `${path} can be read by others; run: chmod 600 ${path}`);
  }
  const [publicKey = "", secretKey = ""] = readFileSync(path, "utf8").split("\n");
  return new KeyPair(publicKey, secretKey);
}

const base64url = (key: string): string => fromZ85(key).toString("base64url");

/**
 * Proof that the sender of `data` holds the secret key of the pair: an HMAC under the X25519
 * secret shared by both CURVE keys. zeromq.js cannot tell which key sent a frame; this can.
 * @param own the pair of the side that proves or checks
 * @param peerKey the other side's public key
 */
export function proveKey(own: KeyPair, peerKey: string, data: Uint8Array): Buffer {
  return createHmac("sha256", pairSecret(own, peerKey, "zp1 hello"))
    .update(data)
    .digest();
}

/**
 * A secret that only the holders of both keys can compute: 32 bytes of HKDF over the X25519 secret
 * they share. It takes 0.2 ms, so keep it; show it to nobody.
 * @param own the pair of this side
 * @param peerKey the other side's public key
 * @param purpose what it is for; another purpose gives another secret
 */
export function pairSecret(own: KeyPair, peerKey: string, purpose: string): Buffer {
  const x = base64url(own.publicKey);
  const d = base64url(own.reveal());
  const secret = diffieHellman({
    privateKey: createPrivateKey({ key: { kty: "OKP", crv: "X25519", d, x }, format: "jwk" }),
    publicKey: createPublicKey({
      key: { kty: "OKP", crv: "X25519", x: base64url(peerKey) },
      format: "jwk",
    }),
  });
  return Buffer.from(hkdfSync("sha256", secret, "", purpose, 32));
}
