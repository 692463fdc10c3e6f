import { realpath } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { resolve } from "node:path";

/** Where an app comes from: `user@host:/folder`. It tells two apps of one name apart. */
export async function originOf(dir: string): Promise<string> {
  const folder = await realpath(dir).catch(() => resolve(dir));
  return `${userName()}@${hostname()}:${folder}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "somebody"); // a user id without a name, as in containers
  }
}
