import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openMounts } from '#/core/mounts/open-mounts.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { listMounts } from '#/linux/mount-info.ts';

const run = promisify(execFile);

async function makePlace(directory: string): Promise<void> {
  await Promise.all([mkdir(join(directory, 'root')), mkdir(join(directory, 'state'))]);
  const image = join(directory, 'root/image');
  await writeFile(image, '');
  await truncate(image, 1 << 20);
  await run('mkfs.ext4', ['-q', '-F', image]);
}

async function killAtWork(directory: string, milliseconds: number): Promise<void> {
  const child = spawn(process.execPath, [resolve('src/core/mounts/kill-mounts.fixture.ts'), directory], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  try {
    await Promise.race([
      once(child.stderr, 'data'),
      exited.then(() => Promise.reject(new Error('the process ended by itself'))),
    ]);
    await delay(milliseconds);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

/** Loop devices that stand on this file. */
async function loopsOn(file: string): Promise<number> {
  const names = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'));
  const files = await Promise.all(
    names.map((name) => readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '')),
  );
  return files.filter((text) => text.trim() === file).length;
}

test(
  'a daemon killed at any moment leaves the mounts that it told of, and no others',
  { timeout: 120_000 },
  async () => {
    for (const milliseconds of [0, 3, 11, 17, 29, 41, 67]) {
      await using dir = await mkdtempDisposable(join(tmpdir(), 'mounts-'));
      await makePlace(dir.path);
      await killAtWork(dir.path, milliseconds);
      await using metadata = await openMetadata({ path: join(dir.path, 'meta.db') });
      const [root, state] = [join(dir.path, 'root'), join(dir.path, 'state')];
      await using mounts = await openMounts({ root, state, metadata });
      const records = mounts.list('blue');
      assert(records.some(({ name }) => name === 'kept'));
      assert.deepEqual(metadata.read.mounts.list('blue'), records, 'every record is whole');
      const places = await readdir(join(state, 'io.containerd.mount-manager.v1.sqlite/t'));
      assert.deepEqual(places.toSorted(), records.map(({ id }) => String(id)).toSorted());
      const mounted = (await listMounts()).filter(({ target }) => target.startsWith(state));
      assert.equal(mounted.length, records.length);
      for (const { name } of records) await mounts.deactivate('blue', name);
      assert.deepEqual(
        (await listMounts()).filter(({ target }) => target.startsWith(state)),
        [],
      );
      // The kernel lets a device go a moment after its last user.
      while ((await loopsOn(join(root, 'image'))) > 0) await delay(20);
    }
  },
);
