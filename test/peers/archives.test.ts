/** Images of skopeo and umoci go through berthd and come out byte for byte; what it writes, they read. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { archiveOf, directory } from '#/core/layers/archive-fixture.ts';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { describeTree, differences } from '../support/describe-tree.ts';
import { busyboxLayer, dockerArchive } from '../support/layered-image.ts';
import { mustRun } from '../support/run-command.ts';

const open = new AsyncDisposableStack();
const name = 'example.com/app:1';
let daemon: Berthd;
let place: (file: string) => string;

const ctr = (...args: string[]): Promise<string> => mustRun('ctr', ['--address', daemon.address, ...args]);

before(async () => {
  daemon = open.use(await startBerthd());
  place = (file) => join(daemon.directory, 'images', file);
  await mkdir(place('.'));
  const second = archiveOf(directory('srv'), { name: 'srv/file', content: 'text', uid: 7, gid: 8, mode: 0o640 });
  const parts = { layers: [await busyboxLayer(), second] };
  await writeFile(place('plain.tar'), dockerArchive('app:1', parts));
  const from = `docker-archive:${place('plain.tar')}`;
  await mustRun('skopeo', ['copy', '--quiet', '--format', 'oci', from, `oci:${place('layout')}:1`]);
  await addLayerWithUmoci();
});

after(() => open.disposeAsync());

/** umoci unpacks, something changes, umoci packs again. */
async function addLayerWithUmoci(): Promise<void> {
  const image = `${place('layout')}:1`;
  await mustRun('umoci', ['unpack', '--image', image, place('work')]);
  await writeFile(place('work/rootfs/srv/added'), 'by umoci');
  await mustRun('rm', [place('work/rootfs/srv/file')]);
  await mustRun('umoci', ['repack', '--image', image, place('work')]);
}

/** Blobs of an OCI layout by digest. */
async function blobsOf(layout: string): Promise<Map<string, Buffer>> {
  const folder = place(`${layout}/blobs/sha256`);
  const names = await readdir(folder);
  return new Map(await Promise.all(names.map(async (hex) => [hex, await readFile(join(folder, hex))] as const)));
}

async function treeOf(layout: string): Promise<Awaited<ReturnType<typeof describeTree>>> {
  await mustRun('umoci', ['unpack', '--image', `${place(layout)}:1`, place(`${layout}-bundle`)]);
  return describeTree(place(`${layout}-bundle/rootfs`));
}

test('an OCI archive of skopeo and umoci comes out byte for byte, and their tree is the same', async () => {
  await mustRun('skopeo', ['copy', '--quiet', `oci:${place('layout')}:1`, `oci-archive:${place('in.tar')}:${name}`]);
  await ctr('images', 'import', '--digests', place('in.tar'));
  await ctr('images', 'export', place('out.tar'), name);
  await mustRun('skopeo', ['copy', '--quiet', `oci-archive:${place('out.tar')}`, `oci:${place('exported')}:1`]);
  const [before, after] = await Promise.all([blobsOf('layout'), blobsOf('exported')]);
  assert(after.size >= 5, 'a manifest, a config and three layers');
  for (const [digest, bytes] of after) assert(before.get(digest)?.equals(bytes), digest);
  const [was, is] = await Promise.all([treeOf('layout'), treeOf('exported')]);
  assert.deepEqual(differences(was, is), []);
});

test('what runs of it is what umoci unpacks', async () => {
  const [{ size: count }, listed] = await Promise.all([
    describeTree(place('work/rootfs/srv')),
    ctr('run', '--rm', name, 'look', '/bin/sh', '-c', 'ls /srv; cat /srv/added; sleep 0.3'),
  ]);
  assert.equal(count, 2, 'the directory and its file');
  assert.equal(listed, 'added\nby umoci');
});

test('a docker archive goes in, and comes out of skopeo as the same image', async () => {
  await ctr('images', 'import', place('plain.tar'));
  await ctr('images', 'export', place('docker.tar'), 'docker.io/library/app:1');
  for (const [form, into] of [
    ['docker-archive', 'as-docker'],
    ['oci-archive', 'as-oci'],
  ] as const)
    await mustRun('skopeo', [
      'copy',
      '--quiet',
      '--format',
      'oci',
      `${form}:${place('docker.tar')}`,
      `oci:${place(into)}:1`,
    ]);
  const [docker, oci] = await Promise.all([blobsOf('as-docker'), blobsOf('as-oci')]);
  assert.deepEqual([...docker.keys()].sort(), [...oci.keys()].sort());
  const whole = await Promise.all([treeOf('as-docker'), treeOf('as-oci')]);
  assert.deepEqual(differences(...whole), []);
});

test('the same images make the same archive, and a second import changes nothing', async () => {
  await ctr('images', 'export', place('again.tar'), name);
  const [first, second] = await Promise.all([readFile(place('out.tar')), readFile(place('again.tar'))]);
  assert(first.equals(second));
  const listed = await listContent();
  await ctr('images', 'import', place('again.tar'));
  assert.equal(await listContent(), listed);
});

/** What is left when garbage has been collected. */
async function listContent(): Promise<string> {
  await ctr('leases', 'create', '--id', 'collect');
  await ctr('leases', 'rm', '--sync', 'collect');
  return ctr('content', 'ls', '-q');
}
