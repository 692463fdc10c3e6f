import type { Detected } from "./detect.ts";
import { firstFile } from "./source-tree.ts";

/** The file server of this very build, in TypeScript from source and in JavaScript from `dist`. */
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";

/** Where the file server is found on the builder. */
export const STATIC_SERVER_SOURCE = new URL(`./static-server.${EXTENSION}`, import.meta.url);

/** Where an artifact carries its file server. */
export const STATIC_SERVER = `.zeroplane/static-server.m${EXTENSION}`;

/**
 * A static site: index.html at the root or in public/ or dist/.
 * @param dir root of the source
 * @returns undefined when it is none
 */
export async function detectStatic(dir: string): Promise<Detected | undefined> {
  const index = await firstFile(dir, ["index.html", "public/index.html", "dist/index.html"]);
  if (index === undefined) return undefined;
  const folder = index === "index.html" ? "." : index.slice(0, -"/index.html".length);
  return {
    provider: "static",
    evidence: [`${index} found, so a static site`],
    steps: [],
    web: `exec node ${STATIC_SERVER} ${folder}`,
  };
}
