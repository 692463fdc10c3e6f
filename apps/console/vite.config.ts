import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL("web", import.meta.url)),
  build: { outDir: "../dist/pages", emptyOutDir: true, target: "baseline-widely-available" },
  resolve: { conditions: ["@zeroplane/source", "module", "browser", "development|production"] },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
