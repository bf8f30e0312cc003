import assert from 'node:assert/strict';
import { lstat, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { EngineError } from '#/base/errors.ts';
import { archiveOf, directory, hardLink, memberBlocks, symlink } from '#/core/layers/archive-fixture.ts';
import { extension, hostileArchives, paxRecord } from '#/core/layers/hostile-archives.ts';
import { openLayers } from '#/core/layers/open-layers.ts';
import { bindMount, openScratch, pictureOf } from '#/core/layers/tree-fixture.ts';

test('apply() refuses hostile archives with an error that names the trouble, and touches nothing outside', async () => {
  await using scratch = await openScratch();
  const temporaryDirectory = join(scratch.path, 'mounts');
  await using layers = await openLayers({ temporaryDirectory });
  await writeFile(join(scratch.path, 'victim'), 'untouched');
  for (const [index, { name, archive, message, kind = 'invalid-argument' }] of hostileArchives.entries()) {
    const path = join(scratch.path, 'layer');
    await writeFile(path, archive);
    const root = await scratch.directory(`root-${index}`);
    const applied = layers.apply({ path, compression: 'none', mounts: bindMount(root) });
    await assert.rejects(applied, { kind, message }, name);
    assert.deepEqual(await readdir(temporaryDirectory), [], `${name}: a mount was left`);
  }
  assert.equal(await readFile(join(scratch.path, 'victim'), 'utf8'), 'untouched');
});

test('apply() keeps links that point outside from reaching outside', async () => {
  await using scratch = await openScratch();
  await using layers = await openLayers({ temporaryDirectory: join(scratch.path, 'mounts') });
  const outside = await scratch.directory('outside');
  await writeFile(join(outside, 'secret'), 'secret');
  const before = await pictureOf(outside);
  const attacks: readonly Uint8Array[] = [
    archiveOf(symlink('door', outside), { name: 'door/secret', content: 'overwritten' }),
    archiveOf(symlink('door', `${'../'.repeat(20)}${outside.slice(1)}`), { name: 'door/.wh.secret' }),
    archiveOf(directory('door'), symlink('door', outside), { name: 'door/.wh..wh..opq' }),
    archiveOf(symlink('door', join(outside, 'secret')), { name: 'door', content: 'overwritten' }),
    archiveOf(symlink('a', '/proc/self/root'), symlink('b', `a${outside}`), {
      name: 'b/secret',
      content: 'overwritten',
    }),
    archiveOf(symlink('door', outside), directory('door/', { mode: 0 })),
  ];
  for (const [index, archive] of attacks.entries()) {
    const root = await scratch.directory(`root-${index}`);
    const path = join(scratch.path, 'layer');
    await writeFile(path, archive);
    await layers.apply({ path, compression: 'none', mounts: bindMount(root) });
    assert.deepEqual(await pictureOf(outside), before, `attack ${index}`);
  }
  const root = await scratch.directory('linked');
  const path = join(scratch.path, 'layer');
  await writeFile(path, archiveOf(symlink('door', join(outside, 'secret')), hardLink('copy', 'door')));
  await layers.apply({ path, compression: 'none', mounts: bindMount(root) });
  assert.equal((await lstat(join(root, 'copy'))).isSymbolicLink(), true);
  assert.equal((await lstat(join(outside, 'secret'))).nlink, 1);
});

test('apply() refuses more entries than it is told to take, implied directories included', async () => {
  await using scratch = await openScratch();
  await using layers = await openLayers({ temporaryDirectory: join(scratch.path, 'mounts'), maxEntries: 10 });
  const root = await scratch.directory('root');
  const path = join(scratch.path, 'layer');
  const apply = async (archive: Uint8Array): Promise<unknown> => {
    await writeFile(path, archive);
    return await layers.apply({ path, compression: 'none', mounts: bindMount(root) });
  };
  const files = Array.from({ length: 11 }, (_, index) => ({ name: `file-${index}` }));
  await apply(archiveOf(...files.slice(0, 10)));
  await assert.rejects(apply(archiveOf(...files)), { kind: 'resource-exhausted', message: /more than 10 entries/ });
  await assert.rejects(apply(archiveOf({ name: '1/2/3/4/5/6/7/8/9/10/file' })), { kind: 'resource-exhausted' });
});

/** Reproducible, so that a failure can be looked at again. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('apply() of mutated archives fails by an EngineError or not at all, and the child lives on', async (t) => {
  const seed = Number(process.env['BERTH_TEST_SEED'] ?? Date.now() % 1_000_000);
  t.diagnostic(`BERTH_TEST_SEED=${seed}`);
  const random = createRandom(seed);
  await using scratch = await openScratch();
  await using layers = await openLayers({ temporaryDirectory: join(scratch.path, 'mounts') });
  const original = archiveOf(
    directory('dir', { mode: 0o711 }),
    { name: `dir/${'long-'.repeat(30)}`, content: 'a'.repeat(1500), xattrs: { 'user.a': 'b' } },
    extension('x', paxRecord('GNU.sparse.major', '1') + paxRecord('GNU.sparse.realsize', '2000')),
    memberBlocks({ name: 'sparse', content: '1\n0\n100\n'.padEnd(512, '\0') + 'd'.repeat(100) }),
    symlink('link', 'dir'),
    hardLink('hard', 'link'),
    extension('L', 'gnu-long-name\0'),
    { name: 'short', content: 'c' },
    { name: 'link/.wh.x' },
  );
  for (let round = 0; round < 250; round++) {
    const archive = Buffer.from(original);
    for (let changes = 1 + random(4); changes > 0; changes--)
      archive.writeUInt8(random(2) === 0 ? random(256) : 0x30 + random(10), random(archive.length));
    const path = join(scratch.path, 'layer');
    await writeFile(path, fixChecksums(archive.subarray(0, random(8) === 0 ? random(archive.length) : undefined)));
    const root = await scratch.directory(`root-${round}`);
    try {
      await layers.apply({ path, compression: 'none', mounts: bindMount(root), limit: 1e8 });
    } catch (error) {
      assert(error instanceof EngineError, `round ${round} of seed ${seed}: ${String(error)}`);
      assert(error.kind !== 'internal', `round ${round} of seed ${seed}: ${error.message}`);
    }
  }
});

/** Makes the checksum of each block that looks like a header right, so that mutations get past it. */
function fixChecksums(archive: Buffer): Buffer {
  for (let offset = 0; offset + 512 <= archive.length; offset += 512) {
    const block = archive.subarray(offset, offset + 512);
    if (block.toString('latin1', 257, 262) !== 'ustar') continue;
    block.fill(' ', 148, 156);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
  return archive;
}
