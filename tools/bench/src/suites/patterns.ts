import { type FeedReport, feedLines, measureFeed } from "./patterns-feed.ts";
import { measurePipe, type PipeReport, pipeLines } from "./patterns-pipe.ts";
import { measureState, type StateReport, stateLines } from "./patterns-state.ts";
import { measureWork, type WorkReport, workLines } from "./patterns-work.ts";
import type { Suite } from "./suite.ts";

/** What `--json` prints last. */
export interface PatternsReport {
  readonly suite: "patterns";
  readonly ratios: {
    readonly work: WorkReport["ratios"];
    readonly feed: FeedReport["ratios"];
    readonly pipe: PipeReport["ratios"];
  };
  readonly work: WorkReport;
  readonly feed: FeedReport;
  readonly state: StateReport;
  readonly pipe: PipeReport;
}

/** Patterns beside what does the same. */
export const patterns: Suite<PatternsReport> = {
  run: async (isQuick) => {
    const work = await measureWork(isQuick);
    const feed = await measureFeed(isQuick);
    const state = await measureState(isQuick);
    const pipe = await measurePipe(isQuick);
    const ratios = { work: work.ratios, feed: feed.ratios, pipe: pipe.ratios };
    return { suite: "patterns", ratios, work, feed, state, pipe };
  },
  table: ({ work, feed, state, pipe }) =>
    [...workLines(work), "", ...feedLines(feed), "", ...stateLines(state), ...pipeLines(pipe)].join(
      "\n",
    ),
};
