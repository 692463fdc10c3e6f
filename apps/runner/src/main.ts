import { run } from "@zeroplane/runtime";
import { Config } from "./config.ts";
import { wire } from "./wiring.ts";

await run("runner", Config, async (life) => {
  await life.serve({ runner: await wire(life) });
});
