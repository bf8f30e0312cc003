import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtempDisposable, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { Mounts } from '#/core/mounts/contract.ts';
import { openMounts } from '#/core/mounts/open-mounts.ts';
import type { Metadata, StoredMount } from '#/core/metadata/contract.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { listMounts } from '#/linux/mount-info.ts';
import { mount, unmount, unmountAll } from '#/linux/mount.ts';

const run = promisify(execFile);
const limit = { timeout: 60_000 };

interface Rig {
  readonly root: string;
  readonly state: string;
  readonly metadata: Metadata;
  readonly mounts: Mounts;
  /** The next start of the daemon, on the same files. */
  restart(): Promise<Mounts>;
}

async function openRig(t: TestContext): Promise<Rig> {
  const dir = await mkdtempDisposable(join(tmpdir(), 'mounts-'));
  t.after(async () => {
    for (const { target } of (await listMounts()).toReversed())
      if (target.startsWith(dir.path)) await unmountAll(target);
    await dir.remove();
  });
  const [root, state] = [join(dir.path, 'root'), join(dir.path, 'state')];
  await Promise.all([mkdir(root), mkdir(state)]);
  const metadata = await openMetadata({ path: join(dir.path, 'meta.db') });
  t.after(() => metadata[Symbol.asyncDispose]());
  const mounts = await openMounts({ root, state, metadata });
  const restart = async (): Promise<Mounts> => {
    await mounts[Symbol.asyncDispose]();
    return await openMounts({ root, state, metadata });
  };
  return { root, state, metadata, mounts, restart };
}

const placesOf = async ({ state }: Rig): Promise<string[]> =>
  await readdir(join(state, 'io.containerd.mount-manager.v1.sqlite/t'));

const mountedBelow = async ({ state }: Rig): Promise<number> =>
  (await listMounts()).filter(({ target }) => target.startsWith(state)).length;

/** What it takes to get a writable overlay in a file: make it, attach it, mount it, make the directories. */
function overlayInFile(root: string): StoredMount[] {
  const size = ['X-containerd.mkfs.size=16MiB', 'X-containerd.mkfs.fs=ext4'];
  const mkdirs = ['upper:0755', 'work'].map((name) => `X-containerd.mkdir.path={{ mount 1 }}/${name}`);
  return [
    { type: 'mkfs/loop', source: join(root, 'rw.img'), options: size },
    { type: 'format/ext4', source: '{{ mount 0 }}', options: [] },
    {
      type: 'format/mkdir/overlay',
      source: 'overlay',
      options: [...mkdirs, `lowerdir=${root}/lower`, 'upperdir={{ mount 1 }}/upper', 'workdir={{ mount 1 }}/work'],
    },
  ];
}

test(
  'a file system in a new file, a loop device and made directories come to a mount that is left',
  limit,
  async (t) => {
    const rig = await openRig(t);
    const { root, mounts } = rig;
    await mkdir(join(root, 'lower'));
    await writeFile(join(root, 'lower/file'), 'lower');
    const record = await mounts.activate('blue', 'one', overlayInFile(root), { labels: { a: '1' } });
    const [loop, ext4] = record.active;
    assert.deepEqual([record.active.length, record.labels, record.complete], [2, { a: '1' }, true]);
    assert.match(await readlink(loop?.mountPoint ?? ''), /^\/dev\/loop\d+$/);
    assert.deepEqual(record.system, [
      {
        type: 'overlay',
        source: 'overlay',
        options: [`lowerdir=${root}/lower`, `upperdir=${ext4?.mountPoint}/upper`, `workdir=${ext4?.mountPoint}/work`],
      },
    ]);
    assert.equal((await stat(join(ext4?.mountPoint ?? '', 'upper'))).mode & 0o777, 0o755);
    const [left] = record.system;
    const target = join(root, 'target');
    await mkdir(target);
    await mount({ type: '', source: '', options: [], ...left, target });
    await writeFile(join(target, 'file'), 'changed');
    await unmount(target);
    assert.equal(await readFile(join(ext4?.mountPoint ?? '', 'upper/file'), 'utf8'), 'changed');
    await assert.rejects(mounts.activate('blue', 'one', overlayInFile(root)), { kind: 'already-exists' });
    assert.deepEqual(mounts.get('blue', 'one'), record);
    await mounts.deactivate('blue', 'one');
    await assert.rejects(mounts.deactivate('blue', 'one'), { kind: 'not-found' });
    assert.deepEqual([await placesOf(rig), await mountedBelow(rig)], [[], 0]);
    const again = await mounts.activate('blue', 'one', overlayInFile(root));
    assert.equal(await readFile(join(again.active[1]?.mountPoint ?? '', 'upper/file'), 'utf8'), 'changed');
    await mounts.deactivate('blue', 'one');
  },
);

test('an erofs image is mounted, and a temporary list leaves a bind mount', limit, async (t) => {
  const rig = await openRig(t);
  const { root, mounts } = rig;
  await mkdir(join(root, 'tree'));
  await writeFile(join(root, 'tree/hello'), 'erofs');
  await run('mkfs.erofs', [join(root, 'layer.erofs'), join(root, 'tree')]);
  const layer = { type: 'erofs', source: join(root, 'layer.erofs'), options: ['ro', 'loop'] };
  const over = { type: 'format/overlay', source: 'overlay', options: ['lowerdir={{ overlay 1 0 }}'] };
  const { active, system } = await mounts.activate('blue', 'two', [layer, layer, over]);
  const [first, second] = active.map(({ mountPoint }) => mountPoint);
  assert.equal(await readFile(join(first ?? '', 'hello'), 'utf8'), 'erofs');
  assert.deepEqual(system[0]?.options, [`lowerdir=${second}:${first}`]);
  const whole = await mounts.activate('blue', 'temporary', [layer, layer, over], { temporary: true });
  assert.deepEqual(whole.system, [{ type: 'bind', source: whole.active[2]?.mountPoint, options: ['rbind'] }]);
  assert.equal(await readFile(join(whole.active[2]?.mountPoint ?? '', 'hello'), 'utf8'), 'erofs');
  for (const name of ['two', 'temporary']) await mounts.deactivate('blue', name);
  assert.deepEqual([await placesOf(rig), await mountedBelow(rig)], [[], 0]);
});

test('what a kernel can mount is not activated; what fails leaves nothing', limit, async (t) => {
  const rig = await openRig(t);
  const { root, mounts, metadata } = rig;
  const bind = { type: 'bind', source: root, options: ['rbind'] };
  await assert.rejects(mounts.activate('blue', 'x', [bind]), { kind: 'unimplemented' });
  const escape = { type: 'mkdir/bind', source: '/', options: ['X-containerd.mkdir.path=/etc/berth-test'] };
  await assert.rejects(mounts.activate('blue', 'x', [escape]), { kind: 'unimplemented' });
  const up = { type: 'mkdir/bind', source: '/', options: [`X-containerd.mkdir.path=${root}/../../../etc/berth-test`] };
  await assert.rejects(mounts.activate('blue', 'x', [up]), { kind: 'unimplemented' });
  const missing = { type: 'loop', source: join(root, 'none'), options: [] };
  await assert.rejects(mounts.activate('blue', 'x', [bind, missing]), { message: /ENOENT/ });
  await assert.rejects(mounts.activate('blue', 'x', [bind, { ...missing, options: ['odd'] }]), {
    kind: 'invalid-argument',
  });
  await assert.rejects(mounts.activate('blue', 'x', [missing], { lease: 'none' }), { kind: 'not-found' });
  await assert.rejects(mounts.activate('blue', '', [missing]), { kind: 'invalid-argument' });
  assert.deepEqual([await placesOf(rig), await mountedBelow(rig), metadata.read.mounts.list('blue')], [[], 0, []]);
});

test('the next start keeps what is whole, and undoes what is half-made or no longer mounted', limit, async (t) => {
  const rig = await openRig(t);
  const { root, mounts, metadata } = rig;
  await mkdir(join(root, 'lower'));
  const kept = await mounts.activate('blue', 'kept', overlayInFile(root));
  const tmpfs = [{ type: 'tmpfs', source: 'tmpfs', options: [] }];
  const half = await mounts.activate('blue', 'half', tmpfs, { temporary: true });
  const gone = await mounts.activate('blue', 'gone', tmpfs, { temporary: true });
  const bare = await mounts.activate('blue', 'bare', tmpfs, { temporary: true });
  // As a daemon leaves it that dies before the last step, after a reboot, and between record and mount.
  await metadata.write((tx) => tx.mounts.update('blue', { ...half, complete: false, active: [] }));
  await unmount(gone.active[0]?.mountPoint ?? '');
  await metadata.write((tx) => tx.mounts.delete('blue', bare.name));
  const next = await rig.restart();
  assert.deepEqual(next.list('blue'), [kept]);
  assert.deepEqual(await placesOf(rig), [String(kept.id)]);
  assert.equal(await mountedBelow(rig), 1);
  const relabelled = await next.setLabels('blue', 'kept', (labels) => ({ ...labels, b: '2' }));
  assert.deepEqual(relabelled.labels, { b: '2' });
  await next.deactivate('blue', 'kept');
  assert.equal(await mountedBelow(rig), 0);
});
