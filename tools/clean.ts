/** Removes what builds and tests have made: every `dist`, nx's cache and the data of local runs. */
import { globSync, rmSync } from "node:fs";

for (const path of [...globSync("{libs,apps,tools}/*/dist"), ".nx", ".zeroplane", "coverage"]) {
  rmSync(path, { recursive: true, force: true });
}
