import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mount, unmountAll } from '#/linux/mount.ts';
import { syncFileSystem } from '#/linux/sync.ts';

test('syncFileSystem() takes a directory or a file of any file system, and says which one it cannot', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'sync-'));
  await mount({ type: 'tmpfs', source: 'tmpfs', options: [], target: dir.path });
  try {
    await writeFile(join(dir.path, 'file'), 'x');
    await syncFileSystem(dir.path);
    await syncFileSystem(join(dir.path, 'file'));
    assert.equal(await readFile(join(dir.path, 'file'), 'utf8'), 'x');
    await assert.rejects(syncFileSystem(join(dir.path, 'gone')), { code: 'ENOENT', syscall: 'syncfs' });
  } finally {
    await unmountAll(dir.path);
  }
});
