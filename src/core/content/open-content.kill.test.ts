import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openContent } from '#/core/content/open-content.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { parseDigest } from '#/oci/digest.ts';

const child = join(import.meta.dirname, 'acknowledge-blobs.fixture.ts');

/** Runs a writer for a random while, kills it, and returns the digests that it was told are stored. */
async function writeUntilKilled(directory: string, round: number): Promise<string[]> {
  const writer = spawn(process.execPath, [child, directory, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(writer, 'close');
  let output = '';
  writer.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  try {
    await once(writer.stdout, 'data');
    await sleep(Math.random() * 200);
  } finally {
    writer.kill('SIGKILL');
    await closed;
  }
  return output.slice(0, output.lastIndexOf('\n')).split('\n');
}

test(
  'every blob that was acknowledged is whole after kill -9, and nothing half-made is left',
  { timeout: 60_000 },
  async () => {
    await using dir = await mkdtempDisposable(join(tmpdir(), 'content-'));
    const root = join(dir.path, 'content');
    const acknowledged: string[] = [];
    let resumed = 0;
    for (let round = 0; round < 6; round++) {
      acknowledged.push(...(await writeUntilKilled(dir.path, round)));
      await using metadata = await openMetadata({ path: join(dir.path, 'meta.db') });
      const content = await openContent({ root, metadata });
      for (const digest of acknowledged) await content.readWhole('n', parseDigest(digest), 200_000);
      const directories = metadata.read.ingests.list('n').map((record) => record.directory);
      assert.deepEqual((await readdir(join(root, 'ingest'))).sort(), directories.sort());
      for (const { ref } of await content.listIngests('n')) {
        await using ingest = await content.openIngest('n', { ref });
        await ingest.write(Buffer.from(ref));
        await ingest.commit();
        resumed += 1;
      }
      await content.sweep();
      const files = (await readdir(join(root, 'blobs', 'sha256'))).map((name) => `sha256:${name}`);
      assert.deepEqual(
        files.sort(),
        content
          .list('n')
          .map((record) => record.digest)
          .sort(),
      );
    }
    assert.ok(acknowledged.length > 0, 'no blob was acknowledged in six rounds');
    assert.ok(resumed > 0, 'no upload was interrupted, so the test tried too little');
  },
);
