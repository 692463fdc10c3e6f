import { matches } from "@zeroplane/patterns";

interface Put {
  readonly epoch: number;
  readonly seq: number;
  readonly topic: string;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** What one life of a follower has written down of one life of a publisher. */
interface Chapter {
  readonly epoch: number;
  readonly got: Map<number, string>;
  readonly gaps: Range[];
}

/** What of a follower was checked. */
export interface Checked {
  readonly messages: number;
  readonly gaps: number;
  readonly resets: number;
}

/** The messages that a publisher has written down, life after life. */
export function putsOf(history: string): Put[] {
  return linesOf(history).map((line) => {
    const [epoch, seq, topic = ""] = line.split(" ");
    return { epoch: Number(epoch), seq: Number(seq), topic };
  });
}

/**
 * Holds what a follower has written down against what was put: in order per topic and once, and
 * every number that is missing is in a gap that was told; `isWhole` when it had the time to get all.
 * @throws Error naming the first promise that was broken
 */
export function checkFollower(
  name: string,
  story: string,
  how: { readonly puts: readonly Put[]; readonly pattern: string; readonly isWhole: boolean },
): Checked {
  const { chapters, resets } = chaptersOf(name, linesOf(story));
  const wanted = how.puts.filter(({ topic }) => matches(how.pattern, topic));
  const lastEpoch = how.puts.at(-1)?.epoch;
  let messages = 0;
  let gaps = 0;
  for (const { epoch, got, gaps: told } of chapters) {
    messages += got.size;
    gaps += told.length;
    const lastOf = new Map([...got].map(([seq, topic]) => [topic, seq]));
    // Of a life that ended, and of a follower that was killed, the rest never came.
    const isAll = how.isWhole && epoch === lastEpoch;
    for (const put of wanted) {
      if (put.epoch !== epoch || got.has(put.seq)) continue;
      if (!isAll && put.seq > (lastOf.get(put.topic) ?? 0)) continue;
      if (!told.some(({ from, to }) => from <= put.seq && put.seq <= to)) {
        throw new Error(`${name}: ${put.topic} ${put.seq} of life ${epoch} is missing, and no gap`);
      }
    }
  }
  return { messages, gaps, resets };
}

function chaptersOf(
  name: string,
  lines: readonly string[],
): { readonly chapters: Chapter[]; readonly resets: number } {
  const chapters: Chapter[] = [];
  const early: Range[] = [];
  const lastOf = new Map<string, number>();
  let resets = 0;
  for (const line of lines) {
    const [kind, a, b, topic = ""] = line.split(" ");
    if (kind === "r") {
      resets++;
      lastOf.clear();
    } else if (kind === "g") {
      const gap = { from: Number(a), to: Number(b) };
      (chapters.at(-1)?.gaps ?? early).push(gap);
    } else {
      const [epoch, seq] = [Number(a), Number(b)];
      let chapter = chapters.at(-1);
      if (chapter?.epoch !== epoch) {
        if (chapter !== undefined && resets === 0)
          throw new Error(`${name}: life ${epoch} begins without a reset`);
        chapter = { epoch, got: new Map(), gaps: early.splice(0) };
        chapters.push(chapter);
      }
      if (seq <= (lastOf.get(topic) ?? 0))
        throw new Error(`${name}: ${topic} ${seq} after ${lastOf.get(topic)}`);
      lastOf.set(topic, seq);
      chapter.got.set(seq, topic);
    }
  }
  return { chapters, resets };
}

/** The last line of a process that was killed may be cut. */
const linesOf = (text: string): string[] => text.split("\n").slice(0, -1);
