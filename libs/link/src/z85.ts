import { LinkError } from "./errors.ts";

const ALPHABET =
  "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/** Bytes as Z85 text (ZeroMQ RFC 32): five characters for four bytes. */
export function toZ85(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    let word = 0;
    for (let i = 0; i < 4; i++) word = word * 256 + (bytes[at + i] ?? 0);
    let five = "";
    for (let i = 0; i < 5; i++) {
      five = (ALPHABET[word % 85] ?? "") + five;
      word = Math.floor(word / 85);
    }
    text += five;
  }
  return text;
}

/**
 * Z85 text as bytes.
 * @throws LinkError ERR_LINK_KEY when a character is not of the alphabet
 */
export function fromZ85(text: string): Buffer {
  const bytes = Buffer.alloc((text.length / 5) * 4);
  for (let at = 0, to = 0; at < text.length; at += 5, to += 4) {
    let word = 0;
    for (const character of text.slice(at, at + 5)) {
      const digit = ALPHABET.indexOf(character);
      if (digit < 0) throw new LinkError("ERR_LINK_KEY", "this is not a Z85 key");
      word = word * 85 + digit;
    }
    bytes.writeUInt32BE(word >>> 0, to);
  }
  return bytes;
}
