import type { Interceptor } from "@zeroplane/link";
import type { Backoff } from "../backoff.ts";
import type { Ids } from "./ids.ts";
import type { QueueSettings } from "./settings.ts";
import type { JobStore } from "./store.ts";
import type { JobView } from "./view.ts";

/** Options of `openQueue`. */
export interface QueueOptions<Payload = unknown, Result = unknown>
  extends Partial<Omit<QueueSettings, "backoff">> {
  /** Keeps jobs in this SQLite file; without it they live as long as this process. */
  readonly file?: string;
  /** Wait between attempts (default 1 s, doubled up to 60 s). */
  readonly backoff?: Partial<Backoff>;
  /** Lets other processes add jobs by `connectQueue` (default false). */
  readonly producers?: boolean;
  readonly interceptors?: readonly Interceptor[];
  /** Called after each change of a job is safe. */
  readonly onChange?: (job: JobView<Payload, Result>) => void;
  /** Called with what a worker reports of a running job. */
  readonly onProgress?: (id: string, value: unknown) => void;
}

/** What a queue stands on, when it is not the process's own. */
export interface QueueGround {
  readonly store?: JobStore;
  readonly ids?: Ids;
  /** Milliseconds since 1970. */
  readonly wallMs?: number;
}
