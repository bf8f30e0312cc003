/** The child of the kill -9 test: stores blobs without end and prints the digest of each one that was acknowledged. */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ContentStore } from '#/core/content/contract.ts';
import { openContent } from '#/core/content/open-content.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';

const [directory = '', round = ''] = process.argv.slice(2);
const metadata = await openMetadata({ path: join(directory, 'meta.db') });
const content = await openContent({ root: join(directory, 'content'), metadata });
const chunk = randomBytes(100_000);

async function uploadForever(store: ContentStore, writer: string): Promise<void> {
  for (let count = 0; ; count++) {
    const name = `${round}/${writer}/${count}`;
    await using ingest = await store.openIngest('n', { ref: name });
    await ingest.write(Buffer.from(name));
    await ingest.write(chunk);
    writeSync(1, `${(await ingest.commit()).digest}\n`);
  }
}

async function putForever(store: ContentStore): Promise<void> {
  for (let count = 0; ; count++) writeSync(1, `${(await store.put('n', Buffer.from(`${round}/${count}`))).digest}\n`);
}

async function deleteForever(store: ContentStore): Promise<void> {
  for (let count = 0; ; count++) {
    const { digest } = await store.put('n', Buffer.from(`${round}/deleted/${count}`));
    await store.delete('n', digest);
    await store.sweep();
  }
}

await Promise.all([
  uploadForever(content, 'a'),
  uploadForever(content, 'b'),
  putForever(content),
  deleteForever(content),
]);
