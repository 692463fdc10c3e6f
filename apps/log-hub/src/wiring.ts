import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { collectFeed, openFeed } from "@zeroplane/patterns";
import { type Life, LOGS_FEED, type LogLine } from "@zeroplane/runtime";
import type { Config } from "./config.ts";
import { Intake } from "./intake.ts";
import type { LedgerEntry, LogEntry } from "./log-entry.ts";
import { LogStore } from "./log-store.ts";
import { Logs, stored } from "./logs.ts";

/** Everything the log hub serves, by name. */
export interface LogHub {
  readonly logs: Logs;
}

/** Name of the feed of stored lines. */
export const STORED_FEED = "lines";

/** Puts the log hub together: lines come in by one feed, and go out by another once stored. */
export async function wire(life: Life<Config>): Promise<LogHub> {
  const { config, listenKeys: keys, node, log } = life;
  const insecure = config.ZP_INSECURE;
  mkdirSync(config.ZP_DATA, { recursive: true });
  const store = life.use(new LogStore(join(config.ZP_DATA, "logs.db"), config.ZP_RETENTION_BYTES));
  const listener = await life.listener();
  const out = life.use(
    await openFeed<LogEntry>(STORED_FEED, listener, { bind: config.ZP_TAIL, keys, insecure, node }),
  );
  const ledger = (): LedgerEntry[] => intake.ledger();
  const logs = new Logs(store, ledger);
  const intake = life.use(
    new Intake(store, (entries) => {
      logs[stored](entries);
      for (const entry of entries) out.put(entry.topic, entry);
    }),
  );
  life.use(
    await collectFeed<LogLine>(LOGS_FEED, listener, {
      bind: config.ZP_LANE,
      keys,
      insecure,
      from: ({ node: of, epoch }) => store.lastOf(of, epoch),
      onItem: (item) => intake.add(item),
      onGap: (gap) => intake.gap(gap),
    }),
  );
  log.info({ lane: config.ZP_LANE, tail: config.ZP_TAIL }, "collects lines");
  return { logs };
}
