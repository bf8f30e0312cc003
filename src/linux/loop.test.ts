import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempDisposable, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { attachLoop, releaseLoop } from '#/linux/loop.ts';

const run = promisify(execFile);

/** The file behind a device, as the kernel has it; '' for none. */
async function backingOf(path: string): Promise<string> {
  return (await readFile(`/sys/block/${basename(path)}/loop/backing_file`, 'utf8').catch(() => '')).trim();
}

/** A device goes shortly after its last user. */
async function untilGone(path: string, file: string): Promise<void> {
  while ((await backingOf(path)) === file) await delay(20);
}

async function makeImage(directory: string): Promise<string> {
  const image = join(directory, 'image');
  await writeFile(image, '');
  await truncate(image, 1 << 20);
  await run('mkfs.ext4', ['-q', '-F', image]);
  return image;
}

test('attachLoop() gives a device that goes with its descriptor', { timeout: 30_000 }, async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'loop-'));
  const image = await makeImage(dir.path);
  let path: string;
  {
    using device = await attachLoop(image, { readOnly: true, tag: 'berth-test' });
    path = device.path;
    assert.match(path, /^\/dev\/loop\d+$/);
    assert.equal(await backingOf(path), image);
    assert.equal((await readFile(`/sys/block/${basename(path)}/ro`, 'utf8')).trim(), '1');
  }
  await untilGone(path, image);
  await assert.rejects(attachLoop(join(dir.path, 'none'), { readOnly: true, tag: '' }), { code: 'ENOENT' });
});

test('a kept device stays until releaseLoop() with its own tag', { timeout: 30_000 }, async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'loop-'));
  const image = await makeImage(dir.path);
  const tag = `berth-test-${process.pid}`;
  let path: string;
  {
    using device = await attachLoop(image, { readOnly: false, tag });
    device.keep();
    path = device.path;
  }
  await delay(100);
  assert.equal(await backingOf(path), image);
  assert.equal(await releaseLoop(path, 'another'), false);
  assert.equal(await backingOf(path), image);
  assert.equal(await releaseLoop(path, tag), true);
  await untilGone(path, image);
  assert.equal(await releaseLoop(path, tag), false);
  assert.equal(await releaseLoop('/dev/loop-none', tag), false);
});
