/** Longest line that is handed on in one piece, bytes; a longer one comes as several lines. */
export const MAX_LINE_BYTES = 16 * 1024;

const NEWLINE = 0x0a;

/** Cuts bytes of a pipe into lines. Holds at most {@link MAX_LINE_BYTES} of an unfinished line. */
export class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);

  /**
   * @param chunk bytes as they came
   * @returns the lines that are whole now, without their line ends
   */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    while (bytes.length > 0) {
      const end = bytes.indexOf(NEWLINE);
      if (end >= 0 && end <= MAX_LINE_BYTES) {
        lines.push(textOf(bytes.subarray(0, end)));
        bytes = bytes.subarray(end + 1);
      } else if (bytes.length > MAX_LINE_BYTES) {
        const cut = characterEnd(bytes, MAX_LINE_BYTES);
        lines.push(textOf(bytes.subarray(0, cut)));
        bytes = bytes.subarray(cut);
      } else break;
    }
    this.#rest = Buffer.from(bytes);
    return lines;
  }

  /** @returns what came after the last line end, if anything; call it once, at the end of the pipe */
  end(): string[] {
    return this.#rest.length > 0 ? [textOf(this.#rest)] : [];
  }
}

/** The last place at or before `limit` where no UTF-8 character is cut in two. */
function characterEnd(bytes: Buffer, limit: number): number {
  let cut = limit;
  while (cut > limit - 3 && ((bytes[cut] ?? 0) & 0xc0) === 0x80) cut--;
  return cut;
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return text.endsWith("\r") ? text.slice(0, -1) : text;
}
