import { EngineError } from '#/base/errors.ts';
import { isZeroBlock, parseTarHeader, textUntilNul, type TarHeader } from '#/oci/tar-header.ts';
import { quoteName, tarBlockSize, tarPadding, type TarEntry } from '#/oci/tar-entry.ts';
import { parsePaxRecords, type PaxRecords } from '#/oci/tar-pax.ts';
import { describeTarEntry, type Extensions } from '#/oci/tar-member.ts';
import { parseDecimal } from '#/oci/tar-number.ts';
import {
  checkRunCount,
  checkSparseRuns,
  parseOldGnuExtension,
  parseOldGnuSparse,
  SparseMapReader,
  sparseRunsOf,
  type SparseRun,
} from '#/oci/tar-sparse.ts';

/**
 * What a reader tells. After an `entry` come its bytes in order, each piece with its place in the file (holes are left
 * out), then `end`. `bytes` points into the chunk that was pushed: it is valid until the next push.
 */
export type TarEvent =
  | { readonly kind: 'entry'; readonly entry: TarEntry }
  | { readonly kind: 'data'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end' };

const endOfEntry: TarEvent = { kind: 'end' };

/** Extended headers are held in memory. */
const maxExtensionBytes = 1024 * 1024;

type State =
  | { readonly kind: 'header' }
  | { readonly kind: 'extension'; readonly type: string; readonly body: Uint8Array; filled: number }
  | { readonly kind: 'skip'; left: number }
  | { readonly kind: 'old-gnu-map'; readonly header: TarHeader; readonly fileSize: number; readonly runs: SparseRun[] }
  | { readonly kind: 'sparse-map'; readonly header: TarHeader; readonly map: SparseMapReader }
  | {
      readonly kind: 'data';
      readonly name: string;
      readonly runs: readonly SparseRun[];
      run: number;
      done: number;
      padding: number;
    }
  | { readonly kind: 'ended' };

/** Links, devices, directories and FIFOs have no content, whatever size their header says. */
const headerOnly = '123456';

const atHeader: State = { kind: 'header' };
const noExtensions: Extensions = { pax: new Map() };

/**
 * Reads an archive that is pushed in pieces of any size: ustar, GNU (long names, sparse files, base-256 numbers), PAX
 * and star. Throws `invalid-argument` for one that is malformed. A global PAX header is passed over, as containerd
 * does. What follows the end of the archive is ignored.
 */
export class TarReader {
  #state: State = atHeader;
  #extensions: Extensions = noExtensions;
  /** The runs that GNU's sparse format 0.0 lists by repeated records. */
  #sparseNumbers: string[] = [];
  readonly #block = Buffer.alloc(tarBlockSize);
  #blockFilled = 0;

  *push(chunk: Uint8Array): Generator<TarEvent, void, undefined> {
    let offset = 0;
    while (offset < chunk.length) {
      const state = this.#state;
      const rest = offset === 0 ? chunk : chunk.subarray(offset);
      switch (state.kind) {
        case 'ended':
          return;
        case 'skip':
          offset += this.#skip(state, rest);
          break;
        case 'extension':
          offset += this.#collect(state, rest);
          break;
        case 'data':
          offset += yield* this.#readData(state, rest);
          break;
        case 'header':
        case 'old-gnu-map':
        case 'sparse-map': {
          const before = this.#blockFilled;
          const block = this.#takeBlock(rest);
          offset += block === undefined ? rest.length : tarBlockSize - before;
          if (block !== undefined) yield* this.#readBlock(state, block);
        }
      }
    }
  }

  /** Says that no more comes. Throws when the archive stops in the middle of an entry. */
  finish(): void {
    const state = this.#state;
    if (state.kind === 'ended') return;
    if (state.kind === 'header' && this.#blockFilled === 0 && this.#extensions === noExtensions) return;
    const inside = state.kind === 'data' ? ` inside ${quoteName(state.name)}` : ' inside a header';
    throw new EngineError('invalid-argument', `Cannot read the archive: it is cut off${inside}`);
  }

  /** The next whole block, without a copy when `chunk` has it in one piece. */
  #takeBlock(chunk: Uint8Array): Uint8Array | undefined {
    if (this.#blockFilled === 0 && chunk.length >= tarBlockSize) return chunk.subarray(0, tarBlockSize);
    const part = chunk.subarray(0, tarBlockSize - this.#blockFilled);
    this.#block.set(part, this.#blockFilled);
    this.#blockFilled += part.length;
    if (this.#blockFilled < tarBlockSize) return undefined;
    this.#blockFilled = 0;
    return this.#block;
  }

  *#readBlock(
    state: Extract<State, { kind: 'header' | 'old-gnu-map' | 'sparse-map' }>,
    block: Uint8Array,
  ): Generator<TarEvent, void, undefined> {
    switch (state.kind) {
      case 'header':
        if (isZeroBlock(block)) this.#state = { kind: 'ended' };
        else yield* this.#readHeader(parseTarHeader(block), block);
        return;
      case 'old-gnu-map': {
        const { runs, isExtended } = parseOldGnuExtension(block);
        state.runs.push(...runs);
        checkRunCount(state.runs.length);
        if (!isExtended) yield* this.#beginSparse(state.header, state.runs, state.fileSize, state.header.size);
        return;
      }
      case 'sparse-map': {
        const runs = state.map.add(block);
        if (state.map.size > state.header.size) this.#refuse(state.header, 'its sparse map is longer than the entry');
        if (runs !== undefined)
          yield* this.#beginSparse(
            state.header,
            runs,
            this.#paxFileSize(state.header),
            state.header.size - state.map.size,
          );
      }
    }
  }

  *#readHeader(header: TarHeader, block: Uint8Array): Generator<TarEvent, void, undefined> {
    if (header.size < 0) this.#refuse(header, `it has a size of ${header.size}`);
    switch (header.type) {
      case 'x':
      case 'X':
      case 'L':
      case 'K':
        this.#beginExtension(header);
        break;
      case 'g':
        this.#skipBody(header.size);
        break;
      case 'S': {
        const { runs, fileSize, isExtended } = parseOldGnuSparse(block);
        if (isExtended) this.#state = { kind: 'old-gnu-map', header, fileSize, runs };
        else yield* this.#beginSparse(header, runs, fileSize, header.size);
        break;
      }
      default:
        yield* this.#begin(header);
    }
  }

  #beginExtension(header: TarHeader): void {
    if (header.size > maxExtensionBytes)
      this.#refuse(header, `an extended header of ${header.size} bytes is over the limit of ${maxExtensionBytes}`);
    const state: State = { kind: 'extension', type: header.type, body: Buffer.alloc(header.size), filled: 0 };
    this.#state = state;
    if (header.size === 0) this.#endExtension(state.type, state.body);
  }

  #collect(state: Extract<State, { kind: 'extension' }>, chunk: Uint8Array): number {
    const part = chunk.subarray(0, state.body.length - state.filled);
    state.body.set(part, state.filled);
    state.filled += part.length;
    if (state.filled === state.body.length) this.#endExtension(state.type, state.body);
    return part.length;
  }

  #endExtension(type: string, body: Uint8Array): void {
    this.#state = { kind: 'skip', left: tarPadding(body.length) };
    if (type === 'L') this.#extensions = { ...this.#extensions, longName: textUntilNul(body) };
    else if (type === 'K') this.#extensions = { ...this.#extensions, longLinkName: textUntilNul(body) };
    else this.#extensions = { ...this.#extensions, pax: this.#parsePax(body) };
    this.#leaveEmpty();
  }

  #parsePax(body: Uint8Array): PaxRecords {
    const sparse: string[] = [];
    const records = parsePaxRecords(body, (_, value) => sparse.push(value));
    this.#sparseNumbers = sparse;
    return records;
  }

  #skip(state: Extract<State, { kind: 'skip' }>, chunk: Uint8Array): number {
    const count = Math.min(state.left, chunk.length);
    state.left -= count;
    this.#leaveEmpty();
    return count;
  }

  #skipBody(size: number): void {
    this.#state = { kind: 'skip', left: size + tarPadding(size) };
    this.#leaveEmpty();
  }

  /** A state with nothing left to do gives way to the next header. */
  #leaveEmpty(): void {
    if (this.#state.kind === 'skip' && this.#state.left === 0) this.#state = atHeader;
  }

  *#begin(header: TarHeader): Generator<TarEvent, void, undefined> {
    const stored = this.#withPaxSize(header);
    const runs = this.#sparseRuns();
    if (headerOnly.includes(header.type)) {
      yield* this.#beginData(describeTarEntry(header, this.#extensions, 0), []);
    } else if (this.#extensions.pax.get('GNU.sparse.major') === '1') {
      this.#state = { kind: 'sparse-map', header: stored, map: new SparseMapReader() };
    } else if (runs !== undefined) {
      yield* this.#beginSparse(stored, runs, this.#paxFileSize(header), stored.size);
    } else {
      const entry = describeTarEntry(stored, this.#extensions, stored.size);
      yield* this.#beginData(entry, [{ offset: 0, length: entry.size }]);
      // An old archive's directory is a file with a slash at its end; should it have content, that is nobody's.
      if (entry.type !== 'file') this.#skipBody(stored.size);
    }
  }

  /** The map of PAX sparse formats 0.0 and 0.1. */
  #sparseRuns(): SparseRun[] | undefined {
    const map = this.#extensions.pax.get('GNU.sparse.map');
    if (map !== undefined) return sparseRunsOf(map === '' ? [] : map.split(','));
    return this.#sparseNumbers.length === 0 ? undefined : sparseRunsOf(this.#sparseNumbers);
  }

  *#beginSparse(
    header: TarHeader,
    runs: readonly SparseRun[],
    fileSize: number,
    stored: number,
  ): Generator<TarEvent, void, undefined> {
    const checked = checkSparseRuns(runs, fileSize, stored);
    yield* this.#beginData(describeTarEntry({ ...header, type: '0' }, this.#extensions, fileSize), checked);
  }

  *#beginData(entry: TarEntry, runs: readonly SparseRun[]): Generator<TarEvent, void, undefined> {
    const stored = runs.reduce((sum, run) => sum + run.length, 0);
    this.#extensions = noExtensions;
    this.#sparseNumbers = [];
    yield { kind: 'entry', entry };
    if (stored === 0) {
      this.#state = atHeader;
      yield endOfEntry;
    } else {
      this.#state = { kind: 'data', name: entry.name, runs, run: 0, done: 0, padding: tarPadding(stored) };
    }
  }

  *#readData(state: Extract<State, { kind: 'data' }>, chunk: Uint8Array): Generator<TarEvent, number, undefined> {
    const run = state.runs[state.run];
    if (run === undefined) return 0;
    const bytes = chunk.subarray(0, run.length - state.done);
    yield { kind: 'data', offset: run.offset + state.done, bytes };
    state.done += bytes.length;
    if (state.done === run.length) {
      state.run++;
      state.done = 0;
    }
    if (state.run === state.runs.length) {
      this.#state = { kind: 'skip', left: state.padding };
      this.#leaveEmpty();
      yield endOfEntry;
    }
    return bytes.length;
  }

  #withPaxSize(header: TarHeader): TarHeader {
    const size = this.#paxNatural(header, 'size');
    return size === undefined ? header : { ...header, size };
  }

  #paxFileSize(header: TarHeader): number {
    const size = this.#paxNatural(header, 'GNU.sparse.realsize') ?? this.#paxNatural(header, 'GNU.sparse.size');
    return size ?? this.#refuse(header, 'its sparse map does not come with a size of the file');
  }

  #paxNatural(header: TarHeader, key: string): number | undefined {
    const text = this.#extensions.pax.get(key);
    if (text === undefined || text === '') return undefined;
    const number = parseDecimal(text);
    return number === undefined || number < 0
      ? this.#refuse(header, `"${key}" is ${JSON.stringify(text.slice(0, 50))}`)
      : number;
  }

  #refuse(header: TarHeader, why: string): never {
    const name = this.#extensions.pax.get('path') ?? this.#extensions.longName ?? header.name;
    throw new EngineError('invalid-argument', `Cannot read the archive: entry ${quoteName(name)}: ${why}`);
  }
}
