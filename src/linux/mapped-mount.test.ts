import assert from 'node:assert/strict';
import { chown, mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listMounts } from '#/linux/mount-info.ts';
import { mount, unmountAll } from '#/linux/mount.ts';

/** A directory with a mount point `target` in it; afterwards it and its mounts are gone. */
async function openPlace(): Promise<AsyncDisposable & { readonly path: string; readonly target: string }> {
  const path = await mkdtemp(join(tmpdir(), 'mapped-'));
  const target = join(path, 'target');
  await mkdir(target);
  const dispose = async (): Promise<void> => {
    await unmountAll(target);
    await rm(path, { recursive: true });
  };
  return { path, target, [Symbol.asyncDispose]: dispose };
}

async function owned(path: string, uid: number, gid: number): Promise<string> {
  await writeFile(path, 'x');
  await chown(path, uid, gid);
  return path;
}

const ownerOf = async (path: string): Promise<string> => {
  const { uid, gid } = await stat(path);
  return `${uid}:${gid}`;
};

const map = ['uidmap=0:100000:1000,1000:5000:10', 'gidmap=0:200000:65536'];

test('mount() of a bind shows owners as its mapping says, and those without one as nobody', async () => {
  await using place = await openPlace();
  const source = join(place.path, 'source');
  await mkdir(source);
  await owned(join(source, 'root'), 0, 0);
  await owned(join(source, 'user'), 1003, 7);
  await owned(join(source, 'other'), 4000, 0);
  await mount({ type: 'bind', source, options: [...map, 'ro', 'rbind', 'nosuid'], target: place.target });
  const seen = (name: string): Promise<string> => ownerOf(join(place.target, name));
  assert.deepEqual(await Promise.all(['root', 'user', 'other'].map(seen)), [
    '100000:200000',
    '5003:200007',
    '65534:200000',
  ]);
  await assert.rejects(writeFile(join(place.target, 'new'), ''), { code: 'EROFS' });
  const [found] = (await listMounts()).filter(({ target }) => target === place.target);
  assert.ok(['ro', 'nosuid'].every((option) => found?.options.includes(option)));
});

test('mount() of an overlay shifts the owners of its 128 layers and leaves those of its upper directory', async () => {
  await using place = await openPlace();
  const root = join(place.path, 'with a long: name, and a comma');
  const layers = Array.from({ length: 128 }, (_, at) => join(root, String(at), 'fs'));
  for (const [at, layer] of layers.entries()) {
    await mkdir(layer, { recursive: true });
    await owned(join(layer, `file-${at}`), at, at);
  }
  const [upper, work] = ['upper', 'work'].map((name) => join(place.path, name));
  assert.ok(upper !== undefined && work !== undefined);
  for (const directory of [upper, work]) await mkdir(directory);
  await owned(join(upper, 'mine'), 5, 6);
  const lower = layers.map((layer) => layer.replaceAll(':', '\\:')).join(':');
  const options = [...map, `workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower}`, 'index=off'];
  await mount({ type: 'overlay', source: 'overlay', options, target: place.target });
  assert.equal(await ownerOf(join(place.target, 'file-0')), '100000:200000');
  assert.equal(await ownerOf(join(place.target, 'file-127')), '100127:200127');
  assert.equal(await ownerOf(join(place.target, 'mine')), '5:6');
  await using file = await open(join(place.target, 'file-127'), 'a');
  await file.write('y');
  assert.equal(await ownerOf(join(upper, 'file-127')), '100127:200127');
  assert.equal(await readFile(join(layers[127] ?? '', 'file-127'), 'utf8'), 'x');
  const mounts = (await listMounts()).filter(({ target }) => target.startsWith(place.path));
  assert.deepEqual(
    mounts.map(({ type }) => type),
    ['overlay'],
  );
});

test('mount() refuses half a mapping, one that the kernel refuses, and types that it cannot map; nothing stays mounted', async () => {
  await using place = await openPlace();
  const { path: source, target } = place;
  const bind = (...options: string[]) => mount({ type: 'bind', source, options: [...options, 'rbind'], target });
  await assert.rejects(bind('uidmap=0:0:1'), { kind: 'invalid-argument', message: /give both/ });
  await assert.rejects(bind('uidmap=nonsense', 'gidmap=0:0:1'), { code: 'EINVAL', path: /uidmap=nonsense/ });
  await assert.rejects(mount({ type: 'tmpfs', source, options: map, target }), { kind: 'unimplemented' });
  const options = [...map, `lowerdir=${source}/nope/1:${source}/nope/2`];
  await assert.rejects(mount({ type: 'overlay', source, options, target }), { code: 'ENOENT' });
  await mkdir(join(source, 'layers'));
  const missing = [...map, `lowerdir=${source}/layers/1:${source}/layers/2`];
  await assert.rejects(mount({ type: 'overlay', source, options: missing, target }), { syscall: 'fsconfig' });
  assert.deepEqual(
    (await listMounts()).filter(({ target: place }) => place.startsWith(source)),
    [],
  );
});
