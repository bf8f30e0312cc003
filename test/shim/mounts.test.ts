import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { listMounts } from '#/linux/mount-info.ts';
import { run } from '#/linux/spawn.ts';
import type { ShimBundle, ShimPlace } from '../support/shim.ts';
import { createTask, openShimPlace, rootfsOf, task } from '../support/shim.ts';
import { untilTrue } from '../support/until.ts';

const busybox = ({ place }: ShimPlace): string => place.rootfs[0]?.source ?? '';

const copy = (from: string, to: string): Promise<void> => cp(from, to, { recursive: true, verbatimSymlinks: true });

const mountsIn = async ({ path }: ShimBundle): Promise<readonly string[]> =>
  (await listMounts()).map(({ target }) => target).filter((target) => target.startsWith(path));

/** Runs the container of a bundle to its end, and says what it printed. */
async function output(shims: ShimPlace, bundle: ShimBundle, rootfs: ReturnType<typeof rootfsOf>): Promise<string> {
  const shim = await bundle.start();
  const stdout = await bundle.fifo('out');
  const { id } = bundle;
  await createTask(shims, bundle, shim, { rootfs, stdout: stdout.path });
  const waiting = shim.call(task.wait, { id });
  await shim.call(task.start, { id });
  await waiting;
  await shim.call(task.delete, { id });
  assert.deepEqual(await mountsIn(bundle), []);
  return await stdout.text;
}

test('an overlay of more layers than a page of options holds is mounted, and unmounted by Delete', async () => {
  await using shims = await openShimPlace();
  const place = join(shims.place.path, 'long'.repeat(15));
  await mkdir(place);
  const layers = Array.from({ length: 90 }, (_, i) => join(place, `${i}`, 'fs'));
  await copy(busybox(shims), join(place, 'base'));
  for (const [i, layer] of layers.entries()) {
    await mkdir(layer, { recursive: true });
    await writeFile(join(layer, `file-${i}`), '');
  }
  const [upper, work] = [join(place, 'upper'), join(place, 'work')];
  await Promise.all([upper, work].map((path) => mkdir(path)));
  const lower = [...layers, join(place, 'base')].join(':');
  assert.equal(lower.length > 4096, true);
  const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`];
  const bundle = await shims.bundle(['sh', '-c', 'echo made >/made; ls / | grep -c file-']);
  const said = await output(shims, bundle, [{ type: 'overlay', source: 'overlay', options }]);
  assert.equal(said, '90\n');
  assert.equal((await readdir(upper)).includes('made'), true);
});

test('mounts lie upon each other and below, read-only where that is asked for', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['sh', '-c', 'touch /x 2>&1 | grep -c Read-only; touch /tmp/x && ls /tmp']);
  const [root] = rootfsOf(shims);
  const said = await output(shims, bundle, [
    { ...root, options: ['rbind', 'ro', 'rprivate'] },
    { type: 'tmpfs', source: 'tmpfs', target: 'tmp', options: ['nosuid', 'nodev', 'size=1m', 'mode=700'] },
  ]);
  assert.equal(said, '1\nx\n');
});

test('a mount through a symbolic link stays in the root', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['sh', '-c', 'ls -d /tmp/inside/*']);
  const root = join(shims.place.path, 'linked');
  await copy(busybox(shims), root);
  await mkdir(join(root, 'tmp/inside'));
  await symlink('/tmp/inside', join(root, 'link'));
  const seen = join(shims.place.path, 'seen');
  await mkdir(join(seen, 'here'), { recursive: true });
  const said = await output(shims, bundle, [
    { type: 'bind', source: root, options: ['rbind', 'rw'] },
    { type: 'bind', source: seen, target: '/link', options: ['bind', 'ro'] },
  ]);
  assert.equal(said, '/tmp/inside/here\n');
});

test('an image file is mounted by a loop device, which goes with it', async () => {
  await using shims = await openShimPlace();
  const image = join(shims.place.path, 'image.ext4');
  const made = await run({
    file: '/usr/sbin/mkfs.ext4',
    args: ['-q', '-d', busybox(shims), image, '16M'],
    env: process.env,
    timeoutMs: 20_000,
    maxOutput: 4096,
  });
  assert.equal(made.code, 0, made.stderr.toString());
  const bundle = await shims.bundle(['sh', '-c', 'echo from the image']);
  const said = await output(shims, bundle, [{ type: 'ext4', source: image, options: ['loop', 'ro'] }]);
  assert.equal(said, 'from the image\n');
  const left = await run({
    file: '/sbin/losetup',
    args: ['-j', image],
    env: process.env,
    timeoutMs: 5000,
    maxOutput: 4096,
  });
  assert.equal(left.stdout.toString(), '');
});

test('mounts that cannot be made are refused by name, and those before them are undone', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['true']);
  const shim = await bundle.start();
  const good = rootfsOf(shims);
  const refuses = async (mount: (typeof good)[number], why: RegExp): Promise<void> => {
    await assert.rejects(createTask(shims, bundle, shim, { rootfs: [...good, ...good, mount] }), { message: why });
    assert.deepEqual(await mountsIn(bundle), []);
  };
  await refuses({ type: 'nonsense', source: 'x' }, /mount "x" of type "nonsense" at ".*": No such device/);
  await refuses({ type: 'bind', source: '/no/such/place', options: ['bind'] }, /\/no\/such\/place.*No such file/);
  await refuses({ type: 'bind', source: '/', target: 'no/such', options: ['bind'] }, /No such file/);
  await refuses(
    { type: 'bind', source: '/', options: ['X-containerd.mkdir.path=/x'] },
    /"X-containerd\.mkdir\.path=\/x" was not consumed/,
  );
  await refuses(
    { type: 'overlay', source: 'overlay', options: [`lowerdir=${'/x:'.repeat(30_000)}`] },
    /too long|longer than/,
  );
  await refuses({ type: 'fuse3.nothing', source: 'x' }, /failed to mount rootfs component/);
  await createTask(shims, bundle, shim);
});

test('owners are shifted where a mount asks for that: of a tree, and of an overlay’s layers', async () => {
  await using shims = await openShimPlace();
  const place = join(shims.place.path, 'layers');
  const [upper, work, lower] = [join(place, 'upper'), join(place, 'work'), join(place, 'lower')];
  await Promise.all([upper, work, lower].map((path) => mkdir(path, { recursive: true })));
  await copy(busybox(shims), join(place, 'base'));
  await writeFile(join(lower, 'low'), '');
  const shift = ['uidmap=0:100000:65536', 'gidmap=0:200000:65536'];
  const overlay = [`lowerdir=${lower}:${join(place, 'base')}`, `upperdir=${upper}`, `workdir=${work}`];
  const owners = ['/bin/busybox', 'stat', '-c', '%u:%g', '/bin/busybox'];
  const tree = await shims.bundle(owners);
  const [root] = rootfsOf(shims);
  assert.equal(await output(shims, tree, [{ ...root, options: ['rbind', 'rw', ...shift] }]), '100000:200000\n');
  const layers = await shims.bundle([...owners, '/low']);
  const rootfs = [{ type: 'overlay', source: 'overlay', options: [...overlay, ...shift] }];
  assert.equal(await output(shims, layers, rootfs), '100000:200000\n'.repeat(2));
  const one = { ...root, options: ['rbind', 'uidmap=0:100000:65536'] };
  const shim = await tree.start();
  await assert.rejects(createTask(shims, tree, shim, { rootfs: [one] }), { message: /Invalid argument/ });
});

test('a file system in user space is mounted by its program, and ends with the container', async () => {
  await using shims = await openShimPlace();
  const place = join(shims.place.path, 'layers');
  const [upper, work] = [join(place, 'upper'), join(place, 'work')];
  await Promise.all([upper, work].map((path) => mkdir(path, { recursive: true })));
  const options = [`lowerdir=${busybox(shims)}`, `upperdir=${upper}`, `workdir=${work}`];
  const bundle = await shims.bundle(['sh', '-c', 'echo made >/made; echo done']);
  const said = await output(shims, bundle, [{ type: 'fuse3.fuse-overlayfs', source: 'overlay', options }]);
  assert.equal(said, 'done\n');
  assert.equal((await readdir(upper)).includes('made'), true);
  const shim = await bundle.start();
  const children = async (): Promise<string> =>
    (await readFile(`/proc/${shim.pid}/task/${shim.pid}/children`, 'utf8')).trim();
  await untilTrue('end of the file system', async () => (await children()) === '');
});
