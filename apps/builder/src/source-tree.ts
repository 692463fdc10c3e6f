import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "./build-error.ts";

/** Largest file of a source that a detector reads whole, bytes. */
const MAX_READ_BYTES = 4 * 1024 * 1024;

/**
 * @param dir root of the source
 * @param path file inside it
 * @returns its text, or undefined when there is no such file
 * @throws BuildError `ERR_BUILD_LIMIT` over 4 MiB
 */
export async function textIn(dir: string, path: string): Promise<string | undefined> {
  const found = await stat(join(dir, path)).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  if (found.size > MAX_READ_BYTES) {
    throw new BuildError("ERR_BUILD_LIMIT", `${path} is over 4 MiB`, { phase: "detect" });
  }
  return await readFile(join(dir, path), "utf8");
}

/**
 * @param dir root of the source
 * @param names files to look for
 * @returns the first of them that exists
 */
export async function firstFile(
  dir: string,
  names: readonly string[],
): Promise<string | undefined> {
  for (const name of names) {
    const found = await stat(join(dir, name)).catch(() => undefined);
    if (found?.isFile()) return name;
  }
  return undefined;
}

/** A JSON object out of a file of the source. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * @param path name of the file, for the message
 * @param text its content
 * @throws BuildError `ERR_BUILD_CONFIG` when it is not a JSON object
 */
export function jsonObject(path: string, text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BuildError("ERR_BUILD_CONFIG", `${path} is not valid JSON: ${reason}`, {
      phase: "detect",
      hint: `correct ${path} and deploy again`,
      cause,
    });
  }
  throw new BuildError("ERR_BUILD_CONFIG", `${path} must hold a JSON object`, { phase: "detect" });
}

/** True for a plain JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
