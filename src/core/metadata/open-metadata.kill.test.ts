import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { digestOf } from '#/oci/digest.ts';

const child = join(import.meta.dirname, 'acknowledge-writes.fixture.ts');

/** Runs a writer for a random while, kills it, and returns the keys that it was told are durable. */
async function writeUntilKilled(path: string, round: number): Promise<string[]> {
  const writer = spawn(process.execPath, [child, path, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(writer, 'close');
  let output = '';
  writer.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  try {
    await once(writer.stdout, 'data');
    await sleep(Math.random() * 250);
  } finally {
    writer.kill('SIGKILL');
    await closed;
  }
  return output.slice(0, output.lastIndexOf('\n')).split('\n');
}

test('write() loses nothing that it acknowledged when its process is killed', { timeout: 60_000 }, async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'metadata-'));
  const path = join(dir.path, 'meta.db');
  const acknowledged: string[] = [];
  for (let round = 0; round < 10; round++) {
    acknowledged.push(...(await writeUntilKilled(path, round)));
    await using metadata = await openMetadata({ path });
    for (const name of acknowledged) {
      assert(metadata.read.images.find('n', name) !== undefined, `image "${name}" was acknowledged and is lost`);
      assert(metadata.read.content.find('n', digestOf(name)) !== undefined, `the blob of "${name}" is lost`);
    }
    assert.equal(metadata.read.images.list('n').length, metadata.read.content.list('n').length, 'half a transaction');
    const changes = metadata.read.changesSince(0, 1_000_000);
    assert.deepEqual(
      changes.map((change) => change.seq),
      changes.map((_, index) => index + 1),
      'the change log has holes',
    );
  }
  assert(acknowledged.length > 0, 'no write was acknowledged in ten rounds');
  using database = new DatabaseSync(path);
  assert.deepEqual({ ...database.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
  assert.deepEqual(database.prepare('PRAGMA foreign_key_check').all(), []);
  const folds = database.prepare("SELECT value FROM counters WHERE name = 'metadata/folds'").get();
  assert(Number(folds?.['value']) > 3, 'the log was never folded while writing, so the test tried too little');
});
