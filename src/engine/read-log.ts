import { open, stat, type FileHandle } from 'node:fs/promises';
import { parseTime, type Nanoseconds } from '#/base/clock.ts';
import { errnoOf } from '#/base/errors.ts';

export interface LogEntry {
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 with nanoseconds, as the log has it. */
  readonly time: string;
  readonly data: Buffer;
}

export interface ReadLog {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Lines from the end; undefined for all. */
  readonly tail?: number;
  readonly since?: Nanoseconds;
  readonly until?: Nanoseconds;
  /** Resolves to false when nothing more will be written; undefined reads what is there and ends. */
  readonly waitForMore?: () => Promise<boolean>;
}

const chunkSize = 64 * 1024;
/** A line that is longer was not written by us. */
const longestLine = 1024 * 1024;
const mostRotated = 10_000;

/** Reads a `json-file` log with its rotated predecessors (`PATH.1` is the youngest of them). */
export async function* readLog(path: string, options: ReadLog): AsyncGenerator<LogEntry> {
  const older = options.tail === 0 ? [] : await rotatedFiles(path);
  const start = await findStart([...older, path], options.tail);
  for (const [at, file] of older.entries()) {
    if (at < start.file) continue;
    yield* chosen(linesOf(file, at === start.file ? start.offset : 0), options);
  }
  const offset = start.file === older.length ? start.offset : 0;
  yield* chosen(followLines(path, offset, options.waitForMore), options);
}

async function rotatedFiles(path: string): Promise<string[]> {
  const files: string[] = [];
  for (let number = 1; number < mostRotated; number++) {
    const file = `${path}.${number}`;
    if (!(await exists(file))) break;
    files.unshift(file);
  }
  return files;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Where the last `tail` lines begin: an index into `files` (oldest first) and an offset. */
async function findStart(
  files: readonly string[],
  tail: number | undefined,
): Promise<{ file: number; offset: number }> {
  if (tail === undefined) return { file: 0, offset: 0 };
  let missing = tail;
  for (let file = files.length - 1; file >= 0; file--) {
    const { offset, found } = await tailOffset(files[file] ?? '', missing);
    missing -= found;
    if (missing <= 0 || file === 0) return { file, offset };
  }
  return { file: 0, offset: 0 };
}

/** Offset of the last `wanted` lines of one file, and how many it has of them. */
async function tailOffset(path: string, wanted: number): Promise<{ offset: number; found: number }> {
  const file = await openOrNothing(path);
  if (file === undefined) return { offset: 0, found: 0 };
  await using handle = file;
  const { size } = await handle.stat();
  if (wanted === 0) return { offset: size, found: 0 };
  const buffer = Buffer.alloc(chunkSize);
  let found = 0;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunkSize);
    const { bytesRead } = await handle.read(buffer, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at--) {
      if (buffer[at] !== 10 || start + at === size - 1) continue;
      if (++found === wanted) return { offset: start + at + 1, found };
    }
    end = start;
  }
  return { offset: 0, found: size === 0 ? 0 : found + 1 };
}

async function openOrNothing(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function* linesOf(path: string, offset: number): AsyncGenerator<Buffer> {
  const file = await openOrNothing(path);
  if (file === undefined) return;
  await using handle = file;
  yield* remainingLines(handle, { offset, rest: Buffer.alloc(0) });
}

interface Position {
  offset: number;
  rest: Buffer;
}

/** Whole lines from a position to the present end; a line without its newline stays in `position.rest`. */
async function* remainingLines(handle: FileHandle, position: Position): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(chunkSize), 0, chunkSize, position.offset);
    if (bytesRead === 0) return;
    position.offset += bytesRead;
    let data = Buffer.concat([position.rest, buffer.subarray(0, bytesRead)]);
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10)) {
      yield data.subarray(0, end);
      data = data.subarray(end + 1);
    }
    position.rest = data.length > longestLine ? Buffer.alloc(0) : data;
  }
}

/** Reads on as the file grows, and over to the next file when it is rotated away. */
async function* followLines(path: string, offset: number, waitForMore: ReadLog['waitForMore']): AsyncGenerator<Buffer> {
  const position: Position = { offset, rest: Buffer.alloc(0) };
  let handle = await openOrNothing(path);
  try {
    for (;;) {
      if (handle !== undefined) yield* remainingLines(handle, position);
      const more = waitForMore !== undefined && (await waitForMore());
      if (handle !== undefined) yield* remainingLines(handle, position);
      if (handle === undefined || (await wasRotated(handle, path))) {
        const next = await openOrNothing(path);
        if (next !== undefined) {
          await handle?.close();
          handle = next;
          position.offset = 0;
          position.rest = Buffer.alloc(0);
          yield* remainingLines(handle, position);
        }
      }
      if (!more) return;
    }
  } finally {
    await handle?.close();
  }
}

async function wasRotated(handle: FileHandle, path: string): Promise<boolean> {
  const [mine, present] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)]);
  return present !== undefined && (present.ino !== mine.ino || present.dev !== mine.dev);
}

async function* chosen(lines: AsyncIterable<Buffer>, options: ReadLog): AsyncGenerator<LogEntry> {
  const { since, until } = options;
  for await (const line of lines) {
    const entry = readEntry(line);
    if (entry === undefined || !options[entry.stream]) continue;
    if (since !== undefined || until !== undefined) {
      const time = parseTime(entry.time) ?? 0n;
      if (since !== undefined && time < since) continue;
      if (until !== undefined && time > until) return;
    }
    yield entry;
  }
}

/** Undefined for a line that is none of ours, such as one that a power cut left half-written. */
function readEntry(line: Buffer): LogEntry | undefined {
  try {
    const { log, stream, time } = JSON.parse(line.toString('utf8')) as Record<string, unknown>;
    if (typeof log !== 'string' || typeof time !== 'string' || (stream !== 'stdout' && stream !== 'stderr'))
      return undefined;
    return { stream, time, data: Buffer.from(log, 'utf8') };
  } catch {
    return undefined;
  }
}
