import { opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TimeSlices } from '#/base/time-slices.ts';
import { blobFileSize } from '#/core/content/blob-file.ts';
import type { ContentParts } from '#/core/content/content-parts.ts';
import { algorithms, digestOfFile } from '#/core/content/layout.ts';
import type { Digest } from '#/oci/digest.ts';

/**
 * Deletes blob files that have no record, and returns the bytes freed. The first sweep of a process looks at all files,
 * later ones at those that may have lost a record.
 */
export async function sweepContent(parts: ContentParts): Promise<number> {
  const orphans = parts.orphans.take();
  const slices = new TimeSlices();
  let freed = 0;
  await slices.next();
  try {
    for await (const digest of orphans === 'all' ? storedDigests(parts) : orphans) {
      if (slices.isOver) await slices.next();
      freed += await sweepBlob(parts, digest);
    }
  } catch (error) {
    parts.orphans.addAll();
    throw error;
  }
  return freed;
}

async function* storedDigests({ layout }: ContentParts): AsyncGenerator<Digest> {
  for (const algorithm of algorithms)
    for await (const { name } of await opendir(join(layout.blobs, algorithm))) {
      const digest = digestOfFile(algorithm, name);
      if (digest !== undefined) yield digest;
    }
}

/** A blob that an upload is to link has no record yet; it is looked at again by the next sweep. */
async function sweepBlob(parts: ContentParts, digest: Digest): Promise<number> {
  const { read } = parts.metadata;
  if (read.content.holders(digest).length > 0) return 0;
  return await parts.blobs.run(digest, async () => {
    if (read.content.holders(digest).length > 0) return 0;
    if (read.isAwaited(digest)) {
      parts.orphans.add(digest);
      return 0;
    }
    const size = await blobFileSize(parts.layout, digest);
    await rm(parts.layout.blob(digest), { force: true });
    return size ?? 0;
  });
}
