import { EngineError } from '#/base/errors.ts';
import { byteString } from '#/oci/tar-entry.ts';
import { parseDecimal, parseTarNumber } from '#/oci/tar-number.ts';

/** A run of stored bytes and its place in the file; everything between runs is a hole. */
export interface SparseRun {
  readonly offset: number;
  readonly length: number;
}

const maxRuns = 1_000_000;
const longestLine = 30;

function refuse(why: string): never {
  throw new EngineError('invalid-argument', `Cannot read the archive: the map of a sparse file ${why}`);
}

/** Runs must follow each other, lie inside the file and account for every stored byte. */
export function checkSparseRuns(runs: readonly SparseRun[], fileSize: number, stored: number): readonly SparseRun[] {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of runs) {
    if (offset < end || length < 0 || !Number.isSafeInteger(offset + length)) refuse('has runs out of order');
    end = offset + length;
    sum += length;
  }
  if (end > fileSize) refuse(`reaches to byte ${end} of a file of ${fileSize}`);
  if (sum !== stored) refuse(`counts ${sum} bytes where the archive stores ${stored}`);
  return runs.filter((run) => run.length > 0);
}

/** Pairs of numbers as PAX formats 0.0 and 0.1 have them in records. */
export function sparseRunsOf(numbers: readonly string[]): SparseRun[] {
  if (numbers.length % 2 !== 0 || numbers.length > maxRuns * 2) refuse('does not list pairs of numbers');
  const runs: SparseRun[] = [];
  for (let index = 0; index < numbers.length; index += 2)
    runs.push({ offset: naturalOf(numbers[index]), length: naturalOf(numbers[index + 1]) });
  return runs;
}

function naturalOf(text: string | undefined): number {
  const number = parseDecimal(text ?? '');
  return number === undefined || number < 0 ? refuse(`has ${JSON.stringify(text)} where a number belongs`) : number;
}

const oldEntrySize = 24;

/** Reads `count` old GNU map entries of a block; an empty one ends the list. */
function oldGnuRuns(block: Uint8Array, start: number, count: number): SparseRun[] {
  const runs: SparseRun[] = [];
  for (let index = 0; index < count; index++) {
    const entry = block.subarray(start + index * oldEntrySize, start + (index + 1) * oldEntrySize);
    if (entry[0] === 0) break;
    const offset = parseTarNumber(entry.subarray(0, 12));
    const length = parseTarNumber(entry.subarray(12));
    if (offset === undefined || length === undefined) refuse('has an entry that is no number');
    runs.push({ offset, length });
  }
  return runs;
}

/** The sparse part of an old GNU header (type `S`). */
export function parseOldGnuSparse(header: Uint8Array): {
  readonly runs: SparseRun[];
  readonly fileSize: number;
  readonly isExtended: boolean;
} {
  const fileSize = parseTarNumber(header.subarray(483, 495));
  if (fileSize === undefined || fileSize < 0) refuse('does not say the size of the file');
  return { runs: oldGnuRuns(header, 386, 4), fileSize, isExtended: header[482] !== 0 };
}

/** An extension block of an old GNU map. */
export function parseOldGnuExtension(block: Uint8Array): { readonly runs: SparseRun[]; readonly isExtended: boolean } {
  return { runs: oldGnuRuns(block, 0, 21), isExtended: block[504] !== 0 };
}

export function checkRunCount(count: number): void {
  if (count > maxRuns) refuse(`has more than ${maxRuns} runs`);
}

/** Reads the map of PAX format 1.0, which stands in whole blocks before the stored bytes: decimal lines, count first. */
export class SparseMapReader {
  readonly #lines: string[] = [];
  #partial = '';
  #size = 0;

  /** The bytes of the map so far. */
  get size(): number {
    return this.#size;
  }

  /** The runs once the map is whole, undefined while it goes on. */
  add(block: Uint8Array): SparseRun[] | undefined {
    this.#size += block.length;
    const lines = (this.#partial + byteString(block)).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#lines.push(line);
    if (this.#lines.length > 0) {
      const count = naturalOf(this.#lines[0]);
      checkRunCount(count);
      if (this.#lines.length > count * 2) return sparseRunsOf(this.#lines.slice(1, 1 + count * 2));
    }
    return this.#partial.length > longestLine ? refuse('has a line that is too long') : undefined;
  }
}
