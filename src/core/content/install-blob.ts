import { chmod, rename } from 'node:fs/promises';
import { syncDirectory } from '#/base/atomic-file.ts';
import { EngineError, errnoOf } from '#/base/errors.ts';
import { blobFileSize } from '#/core/content/blob-file.ts';
import type { ContentParts } from '#/core/content/content-parts.ts';
import type { GrowingFile } from '#/core/content/growing-file.ts';
import type { Transaction } from '#/core/metadata/contract.ts';
import type { Digest } from '#/oci/digest.ts';

export interface InstallBlob<T> {
  readonly digest: Digest;
  readonly size: number;
  /** The checked bytes; undefined when the blob's file has them already. */
  readonly file: GrowingFile | undefined;
  /** Writes the records that make it a blob. */
  readonly record: (tx: Transaction) => T;
}

/**
 * Moves checked bytes to where their digest says, and records them in one transaction.
 *
 * A crash before the move leaves the ingest as it was, to be resumed; a crash between the move and the record leaves
 * whole, checked bytes without a record, which the next opener who names their digest finds, or else the sweep removes,
 * while the ingest's record, having lost its file, is dropped at the next start; after the record all is done but the
 * removal of an empty directory, which the next start does. A failure puts the bytes back.
 */
export async function installBlob<T>(parts: ContentParts, blob: InstallBlob<T>): Promise<T> {
  return await parts.blobs.run(blob.digest, async () => {
    const present = (await blobFileSize(parts.layout, blob.digest)) === blob.size;
    if (!present && blob.file === undefined)
      throw new EngineError(
        'data-loss',
        `Cannot commit blob "${blob.digest}": the stored bytes it was to share are gone; upload them again`,
      );
    if (present || blob.file === undefined) return await parts.metadata.write(blob.record);
    return await moveAndRecord(parts, blob, blob.file);
  });
}

async function moveAndRecord<T>(parts: ContentParts, blob: InstallBlob<T>, file: GrowingFile): Promise<T> {
  const target = parts.layout.blob(blob.digest);
  await file.seal();
  await rename(file.path, target);
  try {
    await syncDirectory(parts.layout.blobDirectory(blob.digest));
    return await parts.metadata.write(blob.record);
  } catch (error) {
    // A write whose sync failed may have happened all the same: bytes that a record names stay where it looks for them.
    parts.orphans.add(blob.digest);
    if (parts.metadata.read.content.holders(blob.digest).length === 0) await putBack(target, file.path);
    throw error;
  }
}

/** When the ingest was aborted meanwhile, its directory is gone and the bytes are the sweep's. */
async function putBack(target: string, path: string): Promise<void> {
  try {
    await rename(target, path);
    await chmod(path, 0o644);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
