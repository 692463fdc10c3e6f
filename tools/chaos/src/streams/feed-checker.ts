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
  /** Which life, as the messages say. */
  life: number | undefined;
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
  const lastLife = how.puts.at(-1)?.epoch;
  let messages = 0;
  let gaps = 0;
  for (const { life, got, gaps: told } of chapters) {
    messages += got.size;
    gaps += told.length;
    const lastOf = new Map([...got].map(([seq, topic]) => [topic, seq]));
    // Of a life that ended, and of a follower that was killed, the rest never came.
    const isAll = how.isWhole && life === lastLife;
    for (const put of wanted) {
      if (put.epoch !== life || got.has(put.seq)) continue;
      if (!isAll && put.seq > (lastOf.get(put.topic) ?? 0)) continue;
      if (!told.some(({ from, to }) => from <= put.seq && put.seq <= to)) {
        throw new Error(`${name}: ${put.topic} ${put.seq} of life ${life} is missing, and no gap`);
      }
    }
  }
  return { messages, gaps, resets };
}

function chaptersOf(
  name: string,
  lines: readonly string[],
): { readonly chapters: Chapter[]; readonly resets: number } {
  const chapters = new Map<string, Chapter>();
  const lastOf = new Map<string, number>();
  let resets = 0;
  const chapterOf = (epoch: string): Chapter => {
    const known = chapters.get(epoch);
    if (known !== undefined) return known;
    if (chapters.size > resets) throw new Error(`${name}: life ${epoch} begins without a reset`);
    const chapter = { life: undefined, got: new Map<number, string>(), gaps: [] };
    chapters.set(epoch, chapter);
    return chapter;
  };
  for (const line of lines) {
    const [kind, epoch = "", a, b = "", life] = line.split(" ");
    if (kind === "r") resets++;
    else if (kind === "g") chapterOf(epoch).gaps.push({ from: Number(a), to: Number(b) });
    else {
      const chapter = chapterOf(epoch);
      const [seq, key] = [Number(a), `${epoch} ${b}`];
      if (seq <= (lastOf.get(key) ?? 0))
        throw new Error(`${name}: ${b} ${seq} after ${lastOf.get(key)}`);
      lastOf.set(key, seq);
      chapter.got.set(seq, b);
      chapter.life = Number(life);
    }
  }
  return { chapters: [...chapters.values()], resets };
}

/** The last line of a process that was killed may be cut. */
const linesOf = (text: string): string[] => text.split("\n").slice(0, -1);
