// oxlint-disable-next-line no-control-regex -- these are what must not reach a terminal
const UNSAFE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Text of others, fit for one line of a terminal: control characters other than tab, line breaks
 * and marks that reverse the direction of writing become visible escapes.
 */
export function safe(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === "\n") return "\\n";
    const code = character.charCodeAt(0);
    const digits = code.toString(16);
    return code < 0x100 ? `\\x${digits.padStart(2, "0")}` : `\\u${digits.padStart(4, "0")}`;
  });
}

/** The lines of a text of others, each one safe. */
export const safeLines = (text: string): string[] => text.split(/\r?\n/).map(safe);

/** `text` in at most `width` characters; an ellipsis tells that there was more. */
export function clip(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  return `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
}

/** `text` filled up with blanks to `width`. */
export const pad = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - [...text].length));

/** `text` with blanks before it, to `width`. */
export const padLeft = (text: string, width: number): string =>
  " ".repeat(Math.max(0, width - [...text].length)) + text;
