import { setImmediate as nextTurn } from 'node:timers/promises';
import { now } from '#/base/clock.ts';
import { KeyedMutex } from '#/base/keyed-mutex.ts';
import { silentLogger, type Logger } from '#/base/log.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import type { ContentParts } from '#/core/content/content-parts.ts';
import type { ContentStore, SharingPolicy } from '#/core/content/contract.ts';
import { abortIngest, discardIngest, statusOf } from '#/core/content/ingest-records.ts';
import { contentLayout } from '#/core/content/layout.ts';
import { holdBlob, openIngest } from '#/core/content/open-ingest.ts';
import { OrphanNotes } from '#/core/content/orphan-notes.ts';
import { putBlob } from '#/core/content/put-blob.ts';
import { readBlob, readWholeBlob } from '#/core/content/read-blob.ts';
import { recoverContent } from '#/core/content/recover.ts';
import { sweepContent } from '#/core/content/sweep.ts';
import type { ContentRecord, Metadata } from '#/core/metadata/contract.ts';
import { parseDigest } from '#/oci/digest.ts';

export interface ContentContext {
  /** The directory of the store; made when it is missing. */
  readonly root: string;
  readonly metadata: Metadata;
  readonly logger?: Logger;
  /** Default: `shared`. */
  readonly sharing?: SharingPolicy;
}

/** Opens the content store below `root`, which only one process may do at a time, and recovers what a crash left. */
export async function openContent({
  root,
  metadata,
  logger = silentLogger,
  sharing = 'shared',
}: ContentContext): Promise<ContentStore> {
  const layout = contentLayout(root);
  const orphans = new OrphanNotes();
  metadata.onChange((changes) => {
    for (const { kind, op, id } of changes) if (kind === 'content' && op === 'delete') orphans.add(parseDigest(id));
  });
  const parts: ContentParts = {
    layout,
    metadata,
    logger,
    sharing,
    orphans,
    blobs: new KeyedMutex(),
    holders: new Map(),
  };
  await recoverContent(parts);
  const { content, ingests } = metadata.read;
  return {
    sharing,
    info: (namespace, digest) => content.get(namespace, digest),
    find: (namespace, digest) => content.find(namespace, digest),
    list: (namespace) => content.list(namespace),
    pages: (namespace) => pagesOf((after) => content.listAfter(namespace, after, pageSize)),
    setLabels: async (namespace, digest, change) =>
      await metadata.write((tx) => {
        const before = tx.content.get(namespace, digest);
        const labels = checkLabels(`blob "${digest}"`, change(before.labels));
        const after = { ...before, labels, updatedAt: now() };
        tx.content.update(namespace, after);
        return after;
      }),
    delete: async (namespace, digest) => await metadata.write((tx) => tx.content.delete(namespace, digest)),
    blobPath: (namespace, digest) => layout.blob(content.get(namespace, digest).digest),
    read: async function* (namespace, digest, range) {
      yield* readBlob(layout, content.get(namespace, digest), range);
    },
    readWhole: async (namespace, digest, limit) => await readWholeBlob(layout, content.get(namespace, digest), limit),
    hold: async (namespace, digest, lease) => await holdBlob(metadata, namespace, { digest, lease }),
    openIngest: async (namespace, options) => await openIngest(parts, namespace, options),
    ingestStatus: async (namespace, ref) => await statusOf(parts, namespace, ingests.get(namespace, ref)),
    listIngests: async (namespace) =>
      await Promise.all(ingests.list(namespace).map(async (record) => await statusOf(parts, namespace, record))),
    abortIngest: async (namespace, ref) => await abortIngest(parts, namespace, ref),
    discardIngest: async (namespace, record) => await discardIngest(parts, namespace, record),
    put: async (namespace, data, options) => await putBlob(parts, namespace, data, options),
    sweep: async () => await sweepContent(parts),
  };
}

const pageSize = 100;

async function* pagesOf(read: (after: string) => readonly ContentRecord[]): AsyncGenerator<readonly ContentRecord[]> {
  for (let page = read(''); page.length > 0; page = read(page.at(-1)?.digest ?? '')) {
    yield page;
    await nextTurn();
  }
}
