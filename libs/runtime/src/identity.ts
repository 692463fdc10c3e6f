import { type DialKeys, Keyring, type ListenKeys, trustKeyring } from "@zeroplane/link";

/** The keys of one process: its own, and everyone's public ones. */
export interface Identity {
  /** For what it binds: only trusted keys come in. */
  readonly listen: ListenKeys | undefined;
  /** For what it dials: proves that the other side is `service`. */
  dial(service: string): DialKeys | undefined;
}

/**
 * Reads the keys of `service` from a folder.
 * @param folder without one there are no keys, and only loopback may be bound
 * @throws LinkError ERR_LINK_KEY when the folder has no pair of that name
 */
export function readIdentity(service: string, folder: string | undefined): Identity {
  if (folder === undefined) return { listen: undefined, dial: () => undefined };
  const keyring = new Keyring(folder);
  const key = keyring.pair(service);
  return {
    listen: { key, trust: trustKeyring(keyring) },
    dial: (peer) => ({ key, serverKey: keyring.publicKey(peer) }),
  };
}
