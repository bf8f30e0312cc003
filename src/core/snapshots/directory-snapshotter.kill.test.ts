import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { openNative } from '#/core/snapshots/native.ts';

const child = join(import.meta.dirname, 'acknowledge-snapshots.fixture.ts');

/** Runs a writer for a random while, kills it, and returns the names that it was told are committed. */
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
  'records and directories agree after kill -9, and every committed tree is whole',
  { timeout: 60_000 },
  async () => {
    await using dir = await mkdtempDisposable(join(tmpdir(), 'snap-'));
    const root = join(dir.path, 'native');
    const committed: string[] = [];
    for (let round = 0; round < 6; round++) {
      committed.push(...(await writeUntilKilled(dir.path, round)));
      await using metadata = await openMetadata({ path: join(dir.path, 'meta.db') });
      await using snapshots = await openNative({ root, metadata });
      const ids = (await snapshots.list('n')).map((record) => String(record.id));
      assert.deepEqual((await readdir(join(root, 'snapshots'))).sort(), ids.sort());
      for (const name of committed) {
        const { id, kind } = await snapshots.stat('n', name);
        const number = name.slice(name.lastIndexOf('/') + 1);
        assert.equal(kind, 'committed');
        assert.equal(await readFile(join(root, 'snapshots', String(id), 'fs', `d${number}`, 'name'), 'utf8'), name);
      }
    }
    // How many there are in a round is the machine's affair; none at all would prove nothing.
    assert.ok(committed.length > 0, 'no commit in six rounds');
  },
);
