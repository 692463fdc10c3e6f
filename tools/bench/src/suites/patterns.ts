import { measureWork, type WorkReport, workLines } from "./patterns-work.ts";
import type { Suite } from "./suite.ts";

/** What `--json` prints last. */
export interface PatternsReport {
  readonly suite: "patterns";
  readonly ratios: { readonly work: WorkReport["ratios"] };
  readonly work: WorkReport;
}

/** Patterns beside what does the same. */
export const patterns: Suite<PatternsReport> = {
  run: async (isQuick) => {
    const work = await measureWork(isQuick);
    return { suite: "patterns", ratios: { work: work.ratios }, work };
  },
  table: ({ work }) => workLines(work).join("\n"),
};
