import { open, stat, type FileHandle } from 'node:fs/promises';
import { EngineError, errnoOf } from '#/base/errors.ts';
import type { ContentLayout } from '#/core/content/layout.ts';
import type { ContentRecord } from '#/core/metadata/contract.ts';
import type { Digest } from '#/oci/digest.ts';

/** The size of a blob's file; undefined when there is none. */
export async function blobFileSize(layout: ContentLayout, digest: Digest): Promise<number | undefined> {
  try {
    const found = await stat(layout.blob(digest));
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Opens the file of a recorded blob. `data-loss` when it is not there or does not have the recorded size. */
export async function openBlobFile(layout: ContentLayout, record: ContentRecord): Promise<FileHandle> {
  const path = layout.blob(record.digest);
  const file = await openRecorded(path, record.digest);
  try {
    const { size } = await file.stat();
    if (size === record.size) return file;
    throw new EngineError(
      'data-loss',
      `Cannot read blob "${record.digest}": its file "${path}" has ${size} bytes where ${record.size} were stored; delete the blob and fetch it again`,
    );
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openRecorded(path: string, digest: Digest): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new EngineError(
      'data-loss',
      `Cannot read blob "${digest}": its file "${path}" is gone; delete the blob and fetch it again`,
      { cause: error },
    );
  }
}
