import { access, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { blobFileSize } from '#/core/content/blob-file.ts';
import type { ContentParts } from '#/core/content/content-parts.ts';
import { deleteIngest } from '#/core/content/ingest-records.ts';
import { algorithms, temporarySuffix } from '#/core/content/layout.ts';
import type { IngestRecord } from '#/core/metadata/contract.ts';
import { parseDigest } from '#/oci/digest.ts';

/** Makes the directories, and clears away what a process left half-done that died. */
export async function recoverContent(parts: ContentParts): Promise<void> {
  for (const algorithm of algorithms) await mkdir(join(parts.layout.blobs, algorithm), { recursive: true });
  await mkdir(parts.layout.ingests, { recursive: true });
  await dropLostIngests(parts);
  await removeUnknownDirectories(parts);
  await removeTemporaryFiles(parts);
}

/** Records whose bytes are not there. */
async function dropLostIngests(parts: ContentParts): Promise<void> {
  const { read } = parts.metadata;
  const lost: { namespace: string; record: IngestRecord }[] = [];
  for (const { name: namespace } of read.listNamespaces())
    for (const record of read.ingests.list(namespace))
      if (!(await hasBytes(parts, record))) lost.push({ namespace, record });
  if (lost.length === 0) return;
  await parts.metadata.write((tx) => {
    for (const { namespace, record } of lost) deleteIngest(tx, namespace, record);
  });
  parts.logger.info('upload records without data dropped', { count: lost.length });
}

async function hasBytes({ layout }: ContentParts, { directory, expected }: IngestRecord): Promise<boolean> {
  if (expected !== '') return (await blobFileSize(layout, parseDigest(expected))) !== undefined;
  return await access(layout.data(directory)).then(
    () => true,
    () => false,
  );
}

async function removeUnknownDirectories({ layout, metadata, logger }: ContentParts): Promise<void> {
  const { read } = metadata;
  const known = new Set(
    read.listNamespaces().flatMap(({ name }) => read.ingests.list(name).map((ingest) => ingest.directory)),
  );
  for (const name of await readdir(layout.ingests)) {
    if (known.has(name)) continue;
    logger.info('upload directory without record removed', { name });
    await rm(layout.ingest(name), { recursive: true, force: true });
  }
}

async function removeTemporaryFiles({ layout }: ContentParts): Promise<void> {
  for (const algorithm of algorithms)
    for (const name of await readdir(join(layout.blobs, algorithm)))
      if (name.endsWith(temporarySuffix)) await rm(join(layout.blobs, algorithm, name), { force: true });
}
