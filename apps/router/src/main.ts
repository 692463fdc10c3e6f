import { run } from "@zeroplane/runtime";
import { Config } from "./config.ts";
import { wire } from "./wiring.ts";

await run("router", Config, async (life) => {
  await life.serve({ router: await wire(life) });
});
