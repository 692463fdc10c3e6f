import { BATCH_BYTES, JOBS_MAX } from "./protocol.ts";

/** `items` as messages hold them, by number and by the bytes that `sizeOf` gives; one too long goes alone. */
export function batches<T>(items: readonly T[], sizeOf: (item: T) => number): T[][] {
  const all: T[][] = [];
  let batch: T[] = [];
  let sizeBytes = 0;
  for (const item of items) {
    const bytes = sizeOf(item);
    if (batch.length >= JOBS_MAX || (sizeBytes > 0 && sizeBytes + bytes > BATCH_BYTES)) {
      all.push(batch);
      [batch, sizeBytes] = [[], 0];
    }
    batch.push(item);
    sizeBytes += bytes;
  }
  if (batch.length > 0) all.push(batch);
  return all;
}
