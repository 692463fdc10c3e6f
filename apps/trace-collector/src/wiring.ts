import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { collectPipe } from "@zeroplane/patterns";
import type { Life } from "@zeroplane/runtime";
import type { Config } from "./config.ts";
import { Intake } from "./intake.ts";
import { TraceStore } from "./trace-store.ts";
import { Traces } from "./traces.ts";

/** Everything the trace collector serves, by name. */
export interface TraceCollector {
  readonly traces: Traces;
}

/** Puts the trace collector together: spans of every process come in by one pipe. */
export async function wire(life: Life<Config>): Promise<TraceCollector> {
  const { config, listenKeys: keys, log } = life;
  mkdirSync(config.ZP_DATA, { recursive: true });
  const retention = { ms: config.ZP_RETENTION_MS, bytes: config.ZP_RETENTION_BYTES };
  const store = life.use(new TraceStore(join(config.ZP_DATA, "traces.db"), retention));
  const intake = life.use(new Intake(store));
  const collector = life.use(
    await collectPipe({
      bind: config.ZP_PIPE,
      keys,
      insecure: config.ZP_INSECURE,
      onMessage: ({ kind }, body) => intake.take(kind, body),
      onHole: ({ node }, count) => log.warn({ from: node, count }, "messages were lost"),
    }),
  );
  log.info({ port: collector.port }, "collects spans");
  const stats = (): Omit<ReturnType<Traces["stats"]>, "bytes"> => ({
    ...intake.stats(),
    senders: collector.stats(),
  });
  return { traces: new Traces(store, stats) };
}
