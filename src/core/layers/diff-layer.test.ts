import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, lstat, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Layers } from '#/core/layers/contract.ts';
import { openLayers } from '#/core/layers/open-layers.ts';
import { bindMount, openScratch, overlayMount, pictureOf, type Scratch } from '#/core/layers/tree-fixture.ts';
import { withMounts } from '#/linux/mount.ts';

const run = promisify(execFile);

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

interface Bench extends AsyncDisposable {
  readonly scratch: Scratch;
  readonly layers: Layers;
}

async function openBench(): Promise<Bench> {
  await using undo = new AsyncDisposableStack();
  const scratch = undo.use(await openScratch());
  const layers = undo.use(await openLayers({ temporaryDirectory: join(scratch.path, 'mounts') }));
  const moved = undo.move();
  return { scratch, layers, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

const shell = (cwd: string, script: string): Promise<unknown> => run('bash', ['-ec', script], { cwd });

const lowerTree = `
  mkdir -p etc usr/lib/deep gone/tree kept; printf one > etc/one; printf two > etc/two; printf lib > usr/lib/a
  head -c 500000 /dev/urandom > usr/lib/deep/large; printf x > gone/tree/file; printf k > kept/file
  mkdir becomes-file; printf i > becomes-file/inner; printf f > becomes-dir; ln -s etc link; ln usr/lib/a usr/lib/hard
  printf same-size-A > whole-seconds; touch -d @1000000 whole-seconds; printf grows > grows
  setfattr -n user.x -v 1 kept/file; mkfifo pipe; mknod null c 1 3`;

const change = `
  printf ONE > etc/one; rm etc/two; rm -r gone; rm -r becomes-file; printf now > becomes-file
  rm becomes-dir; mkdir becomes-dir; printf in > becomes-dir/inner; ln -sfn usr link; chmod 4755 usr/lib/a
  printf same-size-B > whole-seconds; touch -d @1000000 whole-seconds; printf more >> grows
  mkdir -p new/dir; printf n > new/dir/file; ln new/dir/file new/hard; setfattr -n user.x -v 2 kept/file
  mkfifo new/fifo; mknod new/disk b 259 70000; chown 5:6 kept; touch -d '2000-01-01 01:02:03.123456789' new/dir etc
  long=$(printf 'n%.0s' $(seq 200)); mkdir "$long"; printf x > "$long/$long"; ln -s "$long" long-link
  printf cap > new/capable; setcap cap_net_raw+ep new/capable; printf b > "$(printf 'caf\\351')"; rm null; chmod 0700 .`;

for (const kind of ['directories', 'overlay mounts'] as const) {
  test(`diff() of two ${kind}, applied to the first, gives the second`, async () => {
    await using bench = await openBench();
    const { scratch, layers } = bench;
    const lower = await scratch.directory('lower');
    await shell(lower, lowerTree);
    const copy = join(scratch.path, 'copy');
    await shell(scratch.path, 'cp -a lower copy');
    const [fs, work] = [await scratch.directory('fs'), await scratch.directory('work')];
    await chmod(fs, 0o755);
    const upper = kind === 'directories' ? bindMount(join(scratch.path, 'upper')) : overlayMount([lower], fs, work);
    if (kind === 'directories') await shell(scratch.path, 'cp -a lower upper');
    await withMounts(upper, scratch.path, (target) => shell(target, change));
    const path = join(scratch.path, 'diff.tar.gz');
    const views = kind === 'directories' ? bindMount(join(scratch.path, 'upper'), 'ro') : overlayMount([fs, lower]);
    const result = await layers.diff({ lower: bindMount(lower, 'ro'), upper: views, compression: 'gzip', path });

    const archive = await readFile(path);
    assert.deepEqual(result, { digest: sha256(archive), size: archive.length, diffId: sha256(gunzipSync(archive)) });
    const applied = await layers.apply({ path, compression: 'gzip', mounts: bindMount(copy) });
    assert.equal(applied.diffId, result.diffId);
    await withMounts(views, scratch.path, async (target) =>
      assert.deepEqual(await pictureOf(copy), await pictureOf(target)),
    );
    const listed = (await run('tar', ['-tzf', path])).stdout;
    assert.doesNotMatch(listed, /usr\/lib\/deep\/large|^pipe/m, 'what is unchanged must not be listed');
    assert.match(listed, /^etc\/\n(?:etc\/.*\n)*etc\/\.wh\.two$/m);
    assert.match(listed, /^\.wh\.gone$/m);
    assert.deepEqual(await readdir(join(scratch.path, 'mounts')), []);
  });
}

test('diff() of nothing below lists everything, as GNU tar can read it', async () => {
  await using bench = await openBench();
  const upper = await bench.scratch.directory('upper');
  await shell(upper, lowerTree);
  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    const path = join(bench.scratch.path, `all.${compression}`);
    const result = await bench.layers.diff({ lower: [], upper: bindMount(upper, 'ro'), compression, path });
    const archive = await readFile(path);
    const plain = { none: () => archive, gzip: () => gunzipSync(archive), zstd: () => zstdDecompressSync(archive) }[
      compression
    ]();
    assert.deepEqual(result, { digest: sha256(archive), size: archive.length, diffId: sha256(plain) });
    const target = await bench.scratch.directory(`tar-${compression}`);
    await writeFile(join(bench.scratch.path, 'plain.tar'), plain);
    await run('tar', [
      '--xattrs',
      '--xattrs-include=*',
      '--same-owner',
      '-C',
      target,
      '-xpf',
      join(bench.scratch.path, 'plain.tar'),
    ]);
    assert.deepEqual(await pictureOf(target), await pictureOf(upper));
  }
});

test('diff() of a tree with itself is an empty archive', async () => {
  await using bench = await openBench();
  const tree = await bench.scratch.directory('tree');
  await shell(tree, lowerTree);
  const path = join(bench.scratch.path, 'empty.tar');
  const mounts = bindMount(tree, 'ro');
  await bench.layers.diff({ lower: mounts, upper: mounts, compression: 'none', path });
  assert.deepEqual(await readFile(path), Buffer.alloc(1024));
});

test('diff() clamps times to sourceDateEpoch, and two of them are byte-identical', async () => {
  await using bench = await openBench();
  const archives: Buffer[] = [];
  for (const name of ['one', 'two']) {
    const upper = await bench.scratch.directory(name);
    const lower = await bench.scratch.directory(`${name}-lower`);
    await shell(lower, 'printf x > removed');
    await shell(upper, `mkdir d; printf y > d/file; touch -d @1000 d/old`);
    const path = join(bench.scratch.path, `${name}.tar.gz`);
    const trees = { lower: bindMount(lower), upper: bindMount(upper) };
    await bench.layers.diff({ ...trees, compression: 'gzip', path, sourceDateEpoch: 1_600_000_000 });
    archives.push(await readFile(path));
    const target = await bench.scratch.directory(`${name}-target`);
    await run('tar', ['-C', target, '-xzf', path]);
    const timeOf = async (file: string): Promise<number> => (await lstat(join(target, file))).mtimeMs / 1000;
    assert.deepEqual(
      [await timeOf('d/file'), await timeOf('d'), await timeOf('d/old')],
      [1_600_000_000, 1_600_000_000, 1000],
    );
  }
  const [one, two] = archives;
  assert.deepEqual(one, two);
});

test('diff() skips sockets, and keeps hard links within the layer', async () => {
  await using bench = await openBench();
  const upper = await bench.scratch.directory('upper');
  await shell(upper, 'printf h > a; ln a b; ln a c; ln -s nowhere s; ln s t');
  const server = createServer().listen(join(upper, 'socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  const path = join(bench.scratch.path, 'layer.tar');
  await bench.layers.diff({ lower: [], upper: bindMount(upper), compression: 'none', path });
  server.close();
  const target = await bench.scratch.directory('target');
  await bench.layers.apply({ path, compression: 'none', mounts: bindMount(target) });
  const inode = async (name: string): Promise<number> => (await lstat(join(target, name))).ino;
  assert.deepEqual((await readdir(target)).sort(), ['a', 'b', 'c', 's', 't']);
  assert.equal(await inode('a'), await inode('c'));
  assert.equal(await inode('s'), await inode('t'));
});

test('diff() of a name that would mean a deletion is refused, and leaves no archive', async () => {
  await using bench = await openBench();
  const upper = await bench.scratch.directory('upper');
  await shell(upper, 'printf x > .wh.passwd');
  const path = join(bench.scratch.path, 'layer.tar');
  const diff = bench.layers.diff({ lower: [], upper: bindMount(upper), compression: 'none', path });
  await assert.rejects(diff, {
    kind: 'failed-precondition',
    message: /Cannot write the layer .*"\.wh\.passwd".*deletion/,
  });
  await assert.rejects(access(path), { code: 'ENOENT' });
});

test('diff() onto a full disk is resource-exhausted', async () => {
  await using bench = await openBench();
  const upper = await bench.scratch.directory('upper');
  await shell(upper, 'head -c 3000000 /dev/urandom > large');
  const small = [{ type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] }];
  await withMounts(small, bench.scratch.path, async (target) => {
    const path = join(target, 'layer.tar');
    const diff = bench.layers.diff({ lower: [], upper: bindMount(upper), compression: 'gzip', path });
    await assert.rejects(diff, { kind: 'resource-exhausted', message: /ENOSPC/ });
    await assert.rejects(access(path), { code: 'ENOENT' });
  });
});

test('diff() never follows links of the tree', async () => {
  await using bench = await openBench();
  const upper = await bench.scratch.directory('upper');
  await shell(upper, 'ln -s /etc/passwd passwd; ln -s / root; ln -s ../../../../etc up');
  const path = join(bench.scratch.path, 'layer.tar');
  await bench.layers.diff({ lower: bindMount(upper), upper: bindMount(upper), compression: 'none', path });
  await bench.layers.diff({ lower: [], upper: bindMount(upper), compression: 'none', path });
  const listed = (await run('tar', ['-tvf', path])).stdout.trim().split('\n');
  assert.deepEqual(
    listed.map((line) => line[0]),
    ['d', 'l', 'l', 'l'],
  );
});
