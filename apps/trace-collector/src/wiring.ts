import { collectPipe } from "@zeroplane/patterns";
import type { Life } from "@zeroplane/runtime";
import type { Config } from "./config.ts";
import { TraceServer } from "./http/trace-server.ts";
import { TraceStore } from "./store/trace-store.ts";
import { TeeRoad } from "./tee/tee-road.ts";
import { Traces } from "./traces.ts";

/** Everything the trace collector serves, by name. */
export interface TraceCollector {
  readonly traces: Traces;
}

/** Puts the trace collector together: spans come in by one pipe and, when there is a port for it, by OTLP/HTTP. */
export async function wire(life: Life<Config>): Promise<TraceCollector> {
  const { config, listenKeys: keys, log } = life;
  const retention = { ms: config.ZP_RETENTION_MS, bytes: config.ZP_RETENTION_BYTES };
  const store = life.use(new TraceStore({ data: config.ZP_DATA, retention }));
  const collector = life.use(
    await collectPipe({
      bind: config.ZP_PIPE,
      keys,
      insecure: config.ZP_INSECURE,
      room: () => store.room(),
      onMessage: ({ kind }, body) => {
        // What is refused is counted by reason.
        store
          .add({ kind, body })
          .catch(({ message }: Error) => log.debug({ kind, message }, "refused"));
      },
      onHole: ({ node }, count) => log.warn({ from: node, count }, "messages were lost"),
    }),
  );
  log.info({ port: collector.port }, "collects spans");
  const tee =
    config.ZP_TEE === undefined
      ? undefined
      : life.use(new TeeRoad(store, { url: config.ZP_TEE, headers: config.ZP_TEE_HEADERS }));
  const traces = new Traces(store, {
    senders: () => collector.stats(),
    ...(tee && { tee: () => tee.stats() }),
  });
  if (config.ZP_HTTP_PORT !== undefined) {
    const server = life.use(new TraceServer(store, traces, config.ZP_PAGES));
    const port = await server.listen(config.ZP_HTTP_PORT, config.ZP_HTTP_HOST);
    log.info({ port }, "takes OTLP and answers queries");
  }
  return { traces };
}
