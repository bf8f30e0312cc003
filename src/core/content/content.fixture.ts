import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContentStore, OpenIngest } from '#/core/content/contract.ts';
import { openContent, type ContentContext } from '#/core/content/open-content.ts';
import type { ContentRecord, Metadata } from '#/core/metadata/contract.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import type { Digest } from '#/oci/digest.ts';

/** A content store in a directory of its own, which goes with it. */
export interface TestContent extends AsyncDisposable {
  readonly root: string;
  readonly metadata: Metadata;
  readonly content: ContentStore;
}

/** `root` puts the blobs elsewhere, on a file system that the test brought. */
export async function testContent(options: Partial<ContentContext> = {}): Promise<TestContent> {
  const stack = new AsyncDisposableStack();
  const dir = stack.use(await mkdtempDisposable(join(tmpdir(), 'content-')));
  const metadata = stack.use(await openMetadata({ path: join(dir.path, 'meta.db') }));
  const root = options.root ?? join(dir.path, 'content');
  const content = await openContent({ ...options, root, metadata });
  return { root, metadata, content, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Uploads `data` in one piece. */
export async function upload(
  content: ContentStore,
  namespace: string,
  data: Uint8Array,
  options: OpenIngest,
): Promise<ContentRecord> {
  await using ingest = await content.openIngest(namespace, options);
  await ingest.write(data);
  return await ingest.commit();
}

/** Leaves an upload with `data` in it. */
export async function leaveIngest(
  content: ContentStore,
  namespace: string,
  data: Uint8Array,
  options: OpenIngest,
): Promise<void> {
  await using ingest = await content.openIngest(namespace, options);
  await ingest.write(data);
}

export async function readAll(
  content: ContentStore,
  namespace: string,
  digest: Digest,
  range: { offset?: number; length?: number } = {},
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content.read(namespace, digest, range)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Makes a lease and says what it holds. */
export async function makeLease(
  metadata: Metadata,
  id: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<() => string[]> {
  await metadata.write((tx) => tx.leases.create('default', { id, labels, createdAt: 1n }));
  return () =>
    metadata.read
      .leaseResources('default', id)
      .map((resource) => `${resource.type} ${resource.id}`)
      .sort();
}
