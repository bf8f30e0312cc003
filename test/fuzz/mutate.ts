/** Makes inputs out of others: a few small hurts, now and then a large one. */
import type { Random } from '../support/random.ts';

export const longestInput: number = 16 * 1024;

const tellingBytes = [0, 1, 9, 10, 13, 32, 34, 39, 46, 47, 58, 92, 127, 128, 192, 254, 255];
const tellingNumbers = [0, 1, 127, 128, 255, 256, 32_767, 65_535, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

type Mutation = (input: Buffer, context: Context) => Buffer;

interface Context {
  readonly random: Random;
  readonly pool: readonly Buffer[];
  readonly words: readonly Buffer[];
}

const cut = (input: Buffer, from: number, to: number, instead: Uint8Array = Buffer.alloc(0)): Buffer =>
  Buffer.concat([input.subarray(0, from), instead, input.subarray(to)]);

const place = (input: Buffer, random: Random): number => random.below(input.length + 1);

/** A stretch that is short most of the time. */
function stretch(input: Buffer, random: Random): [from: number, to: number] {
  const from = place(input, random);
  const longest = random.below(8) === 0 ? input.length - from : Math.min(16, input.length - from);
  return [from, from + random.below(longest + 1)];
}

function overwrite(input: Buffer, at: number, bytes: Uint8Array): Buffer {
  const changed = Buffer.from(input);
  changed.set(bytes.subarray(0, Math.max(0, changed.length - at)), Math.min(at, changed.length));
  return changed;
}

const mutations: readonly Mutation[] = [
  function flipBit(input, { random }) {
    const at = place(input, random);
    return overwrite(input, at, Buffer.from([(input[at] ?? 0) ^ (1 << random.below(8))]));
  },
  function setByte(input, { random }) {
    const byte = random.below(2) === 0 ? random.below(256) : (random.pick(tellingBytes) ?? 0);
    return overwrite(input, place(input, random), Buffer.from([byte]));
  },
  function setNumber(input, { random }) {
    const number = Buffer.alloc(4);
    const value = random.pick(tellingNumbers) ?? 0;
    if (random.below(2) === 0) number.writeUInt32BE(value);
    else number.writeUInt32LE(value);
    return overwrite(input, place(input, random), number);
  },
  function remove(input, { random }) {
    return cut(input, ...stretch(input, random));
  },
  function repeat(input, { random }) {
    const [from, to] = stretch(input, random);
    const times = random.below(16) === 0 ? 200 : 1 + random.below(3);
    return cut(input, to, to, Buffer.concat(Array.from({ length: times }, () => input.subarray(from, to))));
  },
  function insertByte(input, { random }) {
    const at = place(input, random);
    return cut(input, at, at, Buffer.from([random.pick(tellingBytes) ?? 0]));
  },
  function insertWord(input, { random, words }) {
    const at = place(input, random);
    return cut(input, at, at, random.pick(words) ?? Buffer.from([random.below(256)]));
  },
  function replaceByWord(input, { random, words }) {
    return cut(input, ...stretch(input, random), random.pick(words) ?? Buffer.from([random.below(256)]));
  },
  function truncate(input, { random }) {
    return input.subarray(0, place(input, random));
  },
  function moveStretch(input, { random }) {
    const [from, to] = stretch(input, random);
    const at = place(input, random);
    return cut(input, at, at, input.subarray(from, to));
  },
  function crossOver(input, { random, pool }) {
    const other = random.pick(pool) ?? input;
    return Buffer.concat([input.subarray(0, place(input, random)), other.subarray(place(other, random))]);
  },
];

export function mutate(input: Buffer, context: Context): Buffer {
  let changed = input;
  for (let count = 1 + context.random.below(4); count > 0; count--)
    changed = context.random.pick(mutations)?.(changed, context) ?? changed;
  return changed.subarray(0, longestInput);
}
