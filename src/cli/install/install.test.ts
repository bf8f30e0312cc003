import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { carryOut, undo } from '#/cli/install/carry-out.ts';
import { planInstall, type InstallPlan } from '#/cli/install/install-plan.ts';
import { findObstacles } from '#/cli/install/look-at-places.ts';
import { findManifest, manifestPath, writeManifest, type Manifest } from '#/cli/install/manifest.ts';

const unitDirectory = '/etc/systemd/system';
const silent = (): void => {};

const plan = (...roles: string[]): InstallPlan =>
  planInstall({ programs: '/opt/berth/bin', roles, units: unitDirectory, root: undefined, state: '/run/berth' });

const openTree = () => mkdtempDisposable(join(tmpdir(), 'install-'));

async function install(prefix: string, wanted: InstallPlan, report: (text: string) => void = silent): Promise<void> {
  await carryOut(prefix, { plan: wanted, unitDirectory, before: await findManifest(prefix) }, report);
}

async function uninstall(prefix: string): Promise<string[]> {
  const said: string[] = [];
  const manifest = await findManifest(prefix);
  if (manifest !== undefined) await undo(prefix, manifest, (line) => said.push(line));
  return said;
}

const tree = async (prefix: string): Promise<string[]> =>
  (await readdir(prefix, { recursive: true })).map(String).sort();

test('carryOut() puts units, drop-in and links in place, and undo() leaves the tree as it was', async () => {
  await using directory = await openTree();
  const prefix = directory.path;
  await mkdir(join(prefix, 'etc/systemd/system'), { recursive: true });
  await writeFile(join(prefix, 'etc/systemd/system/other.service'), 'x');
  const before = await tree(prefix);
  await install(prefix, plan('containerd', 'docker'));
  const socket = await readFile(join(prefix, unitDirectory, 'berth.socket'), 'utf8');
  for (const path of ['/run/berth/docker.sock', '/run/containerd/containerd.sock.ttrpc', '/run/docker.sock'])
    assert(socket.includes(`\nListenStream=${path}\n`), path);
  assert.equal(await readlink(join(prefix, 'usr/local/bin/ctr')), '/opt/berth/bin/berth');
  assert.equal(await readlink(join(prefix, 'usr/local/bin/berthd')), '/opt/berth/bin/berthd');
  assert.match(
    await readFile(join(prefix, 'etc/berth/conf.d/50-system-install.toml'), 'utf8'),
    /^grpc = \["\/run\/containerd\/containerd\.sock"\]\ndocker = \["\/run\/docker\.sock"\]$/m,
  );
  await uninstall(prefix);
  assert.deepEqual(await tree(prefix), before);
  assert.deepEqual(await uninstall(prefix), []);
});

test('carryOut() a second time does nothing, and with fewer roles takes back what it no longer needs', async () => {
  await using directory = await openTree();
  const prefix = directory.path;
  await install(prefix, plan('docker'));
  const said: string[] = [];
  await install(prefix, plan('docker'), (line) => said.push(line));
  assert.equal(said.length, 0);
  await install(prefix, plan(), (line) => said.push(line));
  assert.deepEqual(said.sort(), [
    `removed ${prefix}/etc/berth/conf.d/50-system-install.toml`,
    `removed ${prefix}/usr/local/bin/docker`,
    `wrote ${prefix}/etc/systemd/system/berth.socket`,
  ]);
  await uninstall(prefix);
  assert.deepEqual(await tree(prefix), []);
});

test('after a crash at any step of carryOut(), undo() leaves nothing and carryOut() completes', async () => {
  const full = plan('containerd', 'docker');
  for (let done = 0; done <= full.steps.length; done++) {
    await using directory = await openTree();
    const prefix = directory.path;
    const dies = new Error('killed');
    let steps = 0;
    const stopAfter = (): void => {
      if (++steps > done) throw dies;
    };
    if (done < full.steps.length)
      await assert.rejects(
        carryOut(prefix, { plan: full, unitDirectory, before: undefined }, stopAfter),
        (error) => error === dies,
      );
    await install(prefix, full);
    assert.deepEqual(await findObstacles(prefix, full, await findManifest(prefix)), []);
    steps = 0;
    const manifest = (await findManifest(prefix)) as Manifest;
    if (done < full.steps.length) await assert.rejects(undo(prefix, manifest, stopAfter), (error) => error === dies);
    await uninstall(prefix);
    assert.deepEqual(await tree(prefix), [], `stopped after ${done}`);
  }
});

test('undo() after a crash between the manifest and the first file removes the manifest and leaves others’ files', async () => {
  await using directory = await openTree();
  const prefix = directory.path;
  await mkdir(join(prefix, 'usr/local/bin'), { recursive: true });
  await install(prefix, plan());
  const manifest = (await findManifest(prefix)) as Manifest;
  await uninstall(prefix);
  await writeManifest(prefix, manifest);
  await writeFile(join(prefix, 'usr/local/bin/berth'), 'mine');
  assert.deepEqual(await uninstall(prefix), [
    `left ${prefix}/usr/local/bin/berth: it has been changed since berth put it there`,
  ]);
  assert.equal(await readFile(join(prefix, 'usr/local/bin/berth'), 'utf8'), 'mine');
  assert.equal(await findManifest(prefix), undefined);
});

test('findObstacles() names files of others, live sockets and enabled rivals, and nothing is touched', async () => {
  await using directory = await openTree();
  const prefix = directory.path;
  const wanted = plan('docker');
  await mkdir(join(prefix, 'usr/local/bin'), { recursive: true });
  await mkdir(join(prefix, 'run'), { recursive: true });
  await mkdir(join(prefix, 'etc/systemd/system/sockets.target.wants'), { recursive: true });
  await symlink('/usr/bin/docker', join(prefix, 'usr/local/bin/docker'));
  await symlink(
    '/lib/systemd/system/docker.socket',
    join(prefix, 'etc/systemd/system/sockets.target.wants/docker.socket'),
  );
  const server = createServer().listen(join(prefix, 'run/docker.sock'));
  await once(server, 'listening');
  try {
    const obstacles = await findObstacles(prefix, wanted, undefined);
    assert.equal(obstacles.length, 3, obstacles.join('\n'));
    assert.match(obstacles[0] ?? '', /"\/usr\/local\/bin\/docker" is there/);
    assert.match(obstacles[1] ?? '', /listens on "\/run\/docker\.sock"/);
    assert.match(obstacles[2] ?? '', /systemctl disable --now docker\.socket/);
  } finally {
    server.close();
    await once(server, 'close');
  }
  await rm(join(prefix, 'usr/local/bin/docker'));
  await rm(join(prefix, 'etc/systemd/system/sockets.target.wants/docker.socket'));
  assert.deepEqual(await findObstacles(prefix, wanted, undefined), []);
});

test('a manifest that berth did not write is refused', async () => {
  await using directory = await openTree();
  await mkdir(join(directory.path, 'etc/berth'), { recursive: true });
  await writeFile(manifestPath(directory.path), '{}');
  await assert.rejects(findManifest(directory.path), { kind: 'failed-precondition' });
});

test('planInstall() refuses what berth cannot stand in for', () => {
  assert.throws(() => plan('crictl'), { kind: 'unimplemented', message: /CRI/ });
  assert.throws(() => plan('podman'), { kind: 'invalid-argument', message: /containerd, docker, nerdctl/ });
});

test('systemd takes the units', { skip: spawnSync('systemd-analyze', ['--version']).status !== 0 }, async () => {
  await using directory = await openTree();
  const prefix = directory.path;
  const programs = join(import.meta.dirname, '../../../bin');
  const wanted = planInstall({
    programs,
    roles: ['containerd', 'docker'],
    units: unitDirectory,
    root: '/var/lib/a b%$',
    state: '/run/berth',
  });
  await install(prefix, wanted);
  const units = ['berth.service', 'berth.socket'].map((name) => join(prefix, unitDirectory, name));
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], { encoding: 'utf8' });
  const complaints = stderr.split('\n').filter((line) => line.includes('berth'));
  assert.deepEqual([status, complaints], [0, []], stderr);
});
