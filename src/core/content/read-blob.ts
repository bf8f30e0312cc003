import { EngineError } from '#/base/errors.ts';
import { openBlobFile } from '#/core/content/blob-file.ts';
import type { ReadRange } from '#/core/content/contract.ts';
import { digestLike } from '#/core/content/hash-slices.ts';
import type { ContentLayout } from '#/core/content/layout.ts';
import type { ContentRecord } from '#/core/metadata/contract.ts';

const chunkSize = 1024 * 1024;

/** Streams a range of a blob in chunks of at most 1 MiB. Its file is closed when the reader stops, for whatever reason. */
export async function* readBlob(
  layout: ContentLayout,
  record: ContentRecord,
  range: ReadRange = {},
): AsyncGenerator<Uint8Array> {
  const { start, end } = bounds(record, range);
  await using file = await openBlobFile(layout, record);
  for (let position = start; position < end;) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(chunkSize, end - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0)
      throw new EngineError('data-loss', `Cannot read blob "${record.digest}": its file ended at byte ${position}`);
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

function bounds(record: ContentRecord, { offset = 0, length = 0 }: ReadRange): { start: number; end: number } {
  const start = Math.max(0, offset);
  if (!Number.isSafeInteger(start) || start > record.size)
    throw new EngineError(
      'out-of-range',
      `Cannot read blob "${record.digest}" from byte ${offset}: it has ${record.size} bytes`,
    );
  const end = length > 0 ? Math.min(record.size, start + length) : record.size;
  return { start, end };
}

/** Reads a whole small blob and checks it against its digest once more. */
export async function readWholeBlob(layout: ContentLayout, record: ContentRecord, limit: number): Promise<Uint8Array> {
  if (record.size > limit)
    throw new EngineError(
      'resource-exhausted',
      `Cannot read blob "${record.digest}" as a whole: it has ${record.size} bytes, more than the limit of ${limit}`,
    );
  const chunks: Uint8Array[] = [];
  for await (const chunk of readBlob(layout, record)) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  const actual = await digestLike(record.digest, whole);
  if (actual !== record.digest)
    throw new EngineError(
      'data-loss',
      `Cannot read blob "${record.digest}": the bytes of "${layout.blob(record.digest)}" have digest "${actual}"; delete the blob and fetch it again`,
    );
  return whole;
}
