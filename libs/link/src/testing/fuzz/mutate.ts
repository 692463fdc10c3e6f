import type { Random } from "../random.ts";
import type { Input } from "./target.ts";

const PIECE_BYTES_MAX = 64 * 1024;
const PIECES_MAX = 24;
const BYTES = [0x00, 0x7f, 0x80, 0x91, 0xc1, 0xc4, 0xc6, 0xc7, 0xcf, 0xd3, 0xd6, 0xdd, 0xdf, 0xff];
const WORDS = [0, 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

type Change = (bytes: Buffer, random: Random) => Buffer;

const at = (bytes: Buffer, random: Random): number =>
  random.between(0, Math.max(0, bytes.length - 1));

const flipBit: Change = (bytes, random) => {
  const place = at(bytes, random);
  bytes[place] = (bytes[place] ?? 0) ^ (1 << random.between(0, 7));
  return bytes;
};

const setByte: Change = (bytes, random) => {
  bytes[at(bytes, random)] = random.chance(0.5) ? random.pick(BYTES) : random.between(0, 255);
  return bytes;
};

const setWord: Change = (bytes, random) => {
  if (bytes.length < 4) return bytes;
  const word = random.chance(0.5) ? random.pick(WORDS) : random.between(0, bytes.length * 2);
  bytes.writeUInt32BE(word, random.between(0, bytes.length - 4));
  return bytes;
};

const cut: Change = (bytes, random) => bytes.subarray(0, at(bytes, random));

const remove: Change = (bytes, random) => {
  const from = at(bytes, random);
  const to = Math.min(bytes.length, from + random.between(1, 16));
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
};

const insert: Change = (bytes, random) => {
  const place = at(bytes, random);
  const added = Buffer.from(random.bytes(random.between(1, 8)));
  return Buffer.concat([bytes.subarray(0, place), added, bytes.subarray(place)]);
};

const repeat: Change = (bytes, random) => {
  const from = at(bytes, random);
  const part = bytes.subarray(from, from + random.between(1, 64));
  const times = random.chance(0.1) ? random.between(1, 500) : random.between(1, 4);
  const copies = Array.from({ length: times }, () => part);
  return Buffer.concat([bytes.subarray(0, from), ...copies, bytes.subarray(from)]);
};

const CHANGES: readonly Change[] = [flipBit, setByte, setWord, cut, remove, insert, repeat];

function changed(piece: Buffer, random: Random): Buffer {
  return random.pick(CHANGES)(Buffer.from(piece), random).subarray(0, PIECE_BYTES_MAX);
}

/** A change of `input` in one to four places; `other` may lend it pieces. */
export function mutate(input: Input, other: Input, random: Random): Input {
  let pieces = [...input];
  for (let left = random.between(1, 4); left > 0; left--) {
    const index = random.between(0, Math.max(0, pieces.length - 1));
    const [piece, lent] = [pieces[index], other.length > 0 ? random.pick(other) : undefined];
    const fate = random.next();
    if (piece === undefined || (fate < 0.1 && lent)) pieces.push(lent ?? Buffer.alloc(1));
    else if (fate < 0.2) pieces.splice(index, 0, piece);
    else if (fate < 0.25 && pieces.length > 1) pieces.splice(index, 1);
    else if (fate < 0.3) pieces = random.shuffled(pieces);
    else pieces[index] = changed(piece, random);
  }
  return pieces.slice(0, PIECES_MAX);
}
