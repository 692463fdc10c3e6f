import type { JobRecord } from "./job.ts";

interface Lease {
  readonly job: JobRecord;
  readonly untilMs: number;
  /** Of an earlier life of this process, until its worker says that it still runs it. */
  readonly isOrphan: boolean;
}

/** The jobs that run now. */
export class Leases {
  readonly #leases = new Map<string, Lease>();
  /** No lease ends before. */
  #nextMs = Number.POSITIVE_INFINITY;

  add(job: JobRecord, untilMs: number): void {
    this.#set({ job, untilMs, isOrphan: false });
  }

  orphan(job: JobRecord, untilMs: number): void {
    this.#set({ job, untilMs, isOrphan: true });
  }

  /** The job of that lease, unless it was given up. */
  job(id: string, token: number): JobRecord | undefined {
    const job = this.#leases.get(id)?.job;
    return job?.attempt === token ? job : undefined;
  }

  /** The job that runs under that id. */
  find(id: string): JobRecord | undefined {
    return this.#leases.get(id)?.job;
  }

  isOrphan(id: string): boolean {
    return this.#leases.get(id)?.isOrphan === true;
  }

  /** Its worker has said at `nowMs` that it runs it: from now on it may take its time again. */
  adopted(id: string, worker: string, nowMs: number): void {
    const lease = this.#leases.get(id);
    if (lease?.isOrphan !== true) return;
    lease.job.worker = worker;
    this.add(lease.job, nowMs + lease.job.timeoutMs);
  }

  delete(id: string): void {
    this.#leases.delete(id);
  }

  /** Leases that have ended at `nowMs`; they stay until they are deleted. */
  expired(nowMs: number): Lease[] {
    if (nowMs < this.#nextMs) return [];
    const expired: Lease[] = [];
    this.#nextMs = Number.POSITIVE_INFINITY;
    for (const lease of this.#leases.values()) {
      if (lease.untilMs <= nowMs) expired.push(lease);
      else this.#nextMs = Math.min(this.#nextMs, lease.untilMs);
    }
    return expired;
  }

  #set(lease: Lease): void {
    this.#leases.set(lease.job.id, lease);
    this.#nextMs = Math.min(this.#nextMs, lease.untilMs);
  }
}
