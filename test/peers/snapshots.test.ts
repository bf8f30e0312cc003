/** Snapshots as real clients of containerd make and mount them. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { archiveOf, type Member } from '#/core/layers/archive-fixture.ts';
import { unmountAll } from '#/linux/mount.ts';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { busyboxLayer, dockerArchive } from '../support/layered-image.ts';
import { findPeerTools } from '../support/peer-tools.ts';
import { mustRun } from '../support/run-command.ts';

const tools = findPeerTools();
const depth = 128;
const deep = 'localhost/deep:1';
let daemon: Berthd;

/** Debian's ctr, and a current one. */
const clients = ['ctr', ...(tools.skip === false ? [tools.path('ctr')] : [])];
const ctr = (client: string, ...args: string[]): Promise<string> =>
  mustRun(client, ['--address', daemon.address, ...args]);

/** Each layer changes `top`, adds a file and removes the one that the layer below has added. */
function layerAt(at: number): Member[] {
  const added = [
    { name: 'top', content: String(at) },
    { name: `f${at}`, content: String(at) },
  ];
  return at === 1 ? added : [...added, { name: `.wh.f${at - 1}` }];
}

before(async () => {
  daemon = await startBerthd();
  // Root of a user namespace must come through.
  await chmod(daemon.directory, 0o711);
  const layers = [await busyboxLayer()];
  for (let at = 1; at < depth; at++) layers.push(archiveOf(...layerAt(at)));
  const archive = join(daemon.directory, 'deep.tar');
  await writeFile(archive, dockerArchive(deep, { layers }));
  await ctr('ctr', 'images', 'import', archive);
});

after(async () => {
  await daemon[Symbol.asyncDispose]();
});

test('a container runs on 128 layers, made by each ctr and by docker', async () => {
  const shown = `${depth - 1}\n/f${depth - 1}\n`;
  const command = ['/bin/sh', '-c', 'cat /top; echo; echo /f*'];
  for (const [at, client] of clients.entries())
    assert.equal(await ctr(client, 'run', '--rm', deep, `deep-${at}`, ...command), shown);
  const docker = ['-H', daemon.dockerHost, 'run', '--rm', '--network', 'none', deep, ...command];
  assert.equal(await mustRun('docker', docker), shown);
});

test('ctr images mount shows all of them, read-only and writable', async () => {
  for (const [at, client] of clients.entries())
    for (const access of [[], ['--rw']]) {
      // A current ctr has the daemon keep the mount under this name, and never takes it back.
      const target = join(daemon.directory, `mounted-${at}${access.join('')}`);
      await mkdir(target, { recursive: true });
      await ctr(client, 'images', 'mount', ...access, deep, target);
      assert.equal(await readFile(join(target, 'top'), 'utf8'), String(depth - 1));
      assert.ok((await readdir(target)).includes(`f${depth - 1}`));
      const writing = writeFile(join(target, 'new'), '');
      await (access.length === 0 ? assert.rejects(writing, { code: 'EROFS' }) : writing);
      await ctr(client, 'images', 'unmount', '--rm', target);
      await unmountAll(target);
    }
});

test(
  'a container in a user namespace sees its layers as its own, with Debian’s shim too',
  { skip: tools.skip },
  async () => {
    const map = '0:100000:65536';
    const flags = ['--uidmap', map, '--gidmap', map, '--remap-labels'];
    const command = ['/bin/sh', '-c', 'ls -ln /bin | head -2 | tail -1; echo x >/new; cat /proc/self/uid_map'];
    for (const runtime of ['io.containerd.runc.v2', tools.path('containerd-shim-runc-v2')]) {
      const output = await ctr(
        tools.path('ctr'),
        'run',
        '--rm',
        '--runtime',
        runtime,
        ...flags,
        deep,
        'mapped',
        ...command,
      );
      assert.match(output, /^\S+\s+1 0\s+0\s/, runtime);
      assert.match(output, /0\s+100000\s+65536/);
    }
  },
);

test('ctr snapshots prepares, commits, diffs and removes', async () => {
  for (const [at, client] of clients.entries()) {
    const snapshots = (...args: string[]): Promise<string> => ctr(client, 'snapshots', ...args);
    const [key, name] = [`work-${at}`, `done-${at}`];
    const mounting = await snapshots('prepare', '--target', join(daemon.directory, 'mounted'), key);
    assert.match(mounting, /mount -t bind \S+ \S+ -o rw,rbind/);
    assert.match(await snapshots('info', key), /"Kind": "Active"/);
    await snapshots('commit', name, key);
    await snapshots('label', name, 'note=x');
    assert.match(await snapshots('info', name), /"note": "x"/);
    assert.match(await snapshots('usage', name), new RegExp(`${name}\\s+4\\.0 KiB\\s+1`));
    assert.match(
      await snapshots('view', '--target', join(daemon.directory, 'mounted'), `look-${at}`, name),
      /-o ro,rbind/,
    );
    await assert.rejects(snapshots('rm', name), /is built on it.*failed precondition/);
    assert.match(await snapshots('tree'), new RegExp(`${name}\\n.*look-${at}`));
    await snapshots('rm', `look-${at}`, name);
    await assert.rejects(snapshots('info', name), /not found/);
  }
});

for (const snapshotter of ['overlayfs', 'native'])
  test(`containerd's own suite for snapshotters passes on ${snapshotter}`, { skip: tools.skip }, async () => {
    const env = { CONTAINERD_ADDRESS: daemon.address, SNAPSHOTTER: snapshotter, TMPDIR: daemon.directory };
    const options = { env, timeoutMs: 280_000 };
    const output = await mustRun(tools.path('snapshot-suite'), ['-test.v', '-test.root'], options);
    const passed = output.match(/^ +--- PASS: /gm) ?? [];
    assert.ok(passed.length >= 21, output);
    assert.doesNotMatch(output, /--- (?:FAIL|SKIP)/);
  });
