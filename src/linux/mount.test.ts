import assert from 'node:assert/strict';
import { mkdir, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listMounts } from '#/linux/mount-info.ts';
import { mount, mountAll, unmount, undoLeftMounts, unmountAll, withMounts } from '#/linux/mount.ts';

/** A tmpfs of its own, so that the tests need no support of the disk; gone afterwards with all that is mounted in it. */
async function openPlace(): Promise<AsyncDisposable & { readonly path: string }> {
  await using undo = new AsyncDisposableStack();
  const path = await mkdtemp(join(tmpdir(), 'mount-test-'));
  undo.defer(() => rm(path, { recursive: true }));
  await mount({ type: 'tmpfs', source: 'tmpfs', options: [], target: path });
  undo.defer(async () => {
    const inside = (await listMounts()).map(({ target }) => target).filter((target) => target.startsWith(`${path}/`));
    for (const target of inside.toReversed()) await unmount(target, { detach: true });
    await unmountAll(path);
  });
  const later = undo.move();
  return { path, [Symbol.asyncDispose]: () => later.disposeAsync() };
}

const optionsAt = async (path: string): Promise<readonly (readonly string[])[]> =>
  (await listMounts()).filter(({ target }) => target === path).map(({ options }) => options);

const bind = (source: string, ...options: string[]) => ({ type: 'bind', source, options: ['rbind', ...options] });

test('mount() binds read-only', async () => {
  await using place = await openPlace();
  const [source, target] = [join(place.path, 'source'), join(place.path, 'target')];
  await mkdir(source);
  await mkdir(target);
  await mount({ ...bind(source, 'ro', 'nosuid', 'rprivate'), target });
  await assert.rejects(writeFile(join(target, 'file'), ''), { code: 'EROFS' });
  await writeFile(join(source, 'file'), 'seen');
  assert.equal(await readFile(join(target, 'file'), 'utf8'), 'seen');
  assert.deepEqual(await optionsAt(target), [['ro', 'nosuid', 'relatime']]);
  await unmount(target);
  assert.deepEqual(await optionsAt(target), []);
});

test('mount() says what failed in the words of node:fs', async () => {
  const wish = { type: 'tmpfs', source: 'here', options: [], target: '/no/such/place' };
  await assert.rejects(mount(wish), {
    code: 'ENOENT',
    errno: -2,
    syscall: 'mount',
    path: 'here',
    dest: '/no/such/place',
    message: "ENOENT: no such file or directory, mount 'here' -> '/no/such/place'",
  });
  await assert.rejects(mount({ ...wish, source: 'a\0b' }), { code: 'EINVAL' });
  await assert.rejects(mount({ ...wish, target: `/${'x'.repeat(5000)}` }), { code: 'ENAMETOOLONG' });
});

test('mount() of an overlay takes 128 lower layers with long names', async () => {
  await using place = await openPlace();
  const root = join(place.path, 'io.containerd.snapshotter.v1.overlayfs, with a long: name');
  const layers = Array.from({ length: 128 }, (_, at) => join(root, 'snapshots', String(at), 'fs'));
  for (const [at, layer] of layers.entries()) {
    await mkdir(layer, { recursive: true });
    await writeFile(join(layer, `file-${at}`), String(at));
    await writeFile(join(layer, 'same'), String(at));
  }
  const [upper, work, target] = ['upper', 'work', 'target'].map((name) => join(place.path, name));
  assert(upper !== undefined && work !== undefined && target !== undefined);
  for (const directory of [upper, work, target]) await mkdir(directory);
  const lower = layers.map((layer) => layer.replaceAll(':', '\\:')).join(':');
  const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`];
  const before = process.cwd();
  await mount({ type: 'overlay', source: 'overlay', options, target });
  assert.equal((await readdir(target)).length, 129);
  assert.equal(await readFile(join(target, 'same'), 'utf8'), '0');
  await writeFile(join(target, 'new'), 'up');
  assert.deepEqual(await readdir(upper), ['new']);
  assert.equal(process.cwd(), before);
  await unmount(target);
});

test('mountAll() undoes what it mounted when a later mount fails', async () => {
  await using place = await openPlace();
  const target = join(place.path, 'target');
  await mkdir(target);
  const tmpfs = { type: 'tmpfs', source: 'tmpfs', options: [] };
  await assert.rejects(mountAll([tmpfs, tmpfs, bind('/no/such/source')], target), { code: 'ENOENT' });
  assert.deepEqual(await optionsAt(target), []);
});

test('unmountAll() undoes stacked mounts and takes nothing and nowhere for done', async () => {
  await using place = await openPlace();
  const target = join(place.path, 'target');
  await mkdir(target);
  await mountAll([bind(place.path), bind('/etc'), bind('/usr')], target);
  assert.equal((await optionsAt(target)).length, 3);
  await unmountAll(target);
  assert.deepEqual(await optionsAt(target), []);
  await unmountAll(target);
  await unmountAll(join(place.path, 'nowhere'));
});

test('unmountAll() detaches what stays busy, and does not follow a link', async () => {
  await using place = await openPlace();
  const [target, link] = [join(place.path, 'target'), join(place.path, 'link')];
  await mkdir(target);
  await symlink(target, link);
  await mount({ type: 'tmpfs', source: 'tmpfs', options: [], target });
  await unmountAll(link);
  assert.equal((await optionsAt(target)).length, 1);
  await using file = await open(join(target, 'held'), 'w');
  await assert.rejects(unmount(target), { code: 'EBUSY', syscall: 'umount2', path: target });
  await unmountAll(target);
  assert.deepEqual(await optionsAt(target), []);
  await file.writeFile('still there');
});

test('withMounts() leaves nothing, whether the work is done or fails', async () => {
  await using place = await openPlace();
  await writeFile(join(place.path, 'file'), 'content');
  const read = await withMounts([bind(place.path, 'ro')], place.path, (target) =>
    readFile(join(target, 'file'), 'utf8'),
  );
  assert.equal(read, 'content');
  const failing = withMounts([bind(place.path)], place.path, async () => {
    throw new Error('work');
  });
  await assert.rejects(failing, { message: 'work' });
  await assert.rejects(
    withMounts([bind('/no/such')], place.path, async () => 1),
    { code: 'ENOENT' },
  );
  assert.deepEqual(await readdir(place.path), ['file']);
});

test('undoLeftMounts() takes away what withMounts() had to leave, and nothing else', async () => {
  await using place = await openPlace();
  await mkdir(join(place.path, 'mine'));
  const target = join(place.path, 'mount-killed');
  await mkdir(target);
  await mount({ ...bind(join(place.path, 'mine')), target });
  await writeFile(join(target, 'file'), 'content');
  await undoLeftMounts(place.path);
  assert.deepEqual(await readdir(place.path), ['mine']);
  assert.deepEqual(await readdir(join(place.path, 'mine')), ['file']);
});
