/** A debootstrapped Debian of five layers, pushed by skopeo, pulled and run by berth, its tree held against umoci's. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Snapshots } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { demultiplex } from '#/client/stdio-frames.ts';
import { mountAll, unmountAll } from '#/linux/mount.ts';
import { openGrpcClient } from '#/rpc/grpc-client.ts';
import { makeDebianImage } from '../support/debian-image.ts';
import { describeTree, differences, type Tree } from '../support/describe-tree.ts';
import { startJourney, type Journey } from '../support/journey.ts';
import { readRecords } from '../support/read-records.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { mustRun } from '../support/run-command.ts';

const minutes = 60_000;
let layout: string;
let registry: TestRegistry;
let journey: Journey;
let name: string;

before(
  async () => {
    ({ layout } = await makeDebianImage());
    registry = await startRegistry();
    journey = await startJourney();
    name = `${registry.host}/debian:test`;
    const target = ['--dest-tls-verify=false', `oci:${layout}:test`, `docker://${name}`];
    await mustRun('skopeo', ['copy', '--quiet', ...target], { timeoutMs: 5 * minutes });
  },
  { timeout: 20 * minutes },
);

after(async () => {
  await journey?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
});

test('a real image of five layers is pulled', async (t) => {
  const begin = performance.now();
  const lines = await journey.pull(name);
  t.diagnostic(`pulled in ${Math.round(performance.now() - begin)} ms`);
  assert.equal(lines.filter((line) => line === 'Pull complete').length, 5);
  assert.match(lines.at(-1) ?? '', /Status: Downloaded newer image/);
  await journey.assertInOrder();
});

test('its tree is what umoci makes of it, to the last attribute and nanosecond', async () => {
  const bundle = join(journey.daemon.directory, 'bundle');
  await mustRun('umoci', ['unpack', '--image', `${layout}:test`, bundle], { timeoutMs: 10 * minutes });
  const expected = await describeTree(join(bundle, 'rootfs'));
  const actual = await describePulled();
  assert(expected.size > 3000, `a whole Debian has more than ${expected.size} files`);
  const exact = expected.get('raw/times/exact') ?? '';
  assert.match(exact, / at 981173106123456789 .*security\.capability=/, 'the image is what the test is about');
  assert.deepEqual(differences(expected, actual).slice(0, 50), []);
});

/** A view on the snapshot that a container of the image stands on, mounted read-only. */
async function describePulled(): Promise<Tree> {
  const { daemon, client } = journey;
  const { Id } = await client.containers.create({ Image: name, HostConfig: { NetworkMode: 'none' } });
  const top = readRecords(daemon.root).snapshots.find(({ key }) => key === Id)?.parent ?? '';
  const target = join(daemon.directory, 'view');
  await mkdir(target);
  await using snapshots = await openGrpcClient(daemon.address);
  const metadata = { 'containerd-namespace': 'default' };
  const view = { snapshotter: 'overlayfs', key: 'look' };
  const { mounts } = await snapshots.unary(Snapshots.method.view, { ...view, parent: top }, { metadata });
  await mountAll(mounts, target);
  try {
    return await describeTree(target);
  } finally {
    await unmountAll(target);
    await snapshots.unary(Snapshots.method.remove, view, { metadata });
    await client.containers.remove(Id);
  }
}

test('it runs, is execed into, and its setuid programs and file capabilities work', async () => {
  const { client } = journey;
  const id = await journey.start(name, ['sleep', '1000']);
  const exec = async (command: readonly string[], user = ''): Promise<readonly [number | null, string]> => {
    const config = { Cmd: command, User: user, AttachStdout: true, AttachStderr: true };
    const { Id } = await client.containers.execs.create(id, config);
    using stream = await client.containers.execs.startAttached(Id, { tty: false });
    let text = '';
    for await (const { data } of demultiplex(stream.incoming)) text += data.toString();
    return [(await client.containers.execs.inspect(Id)).ExitCode, text];
  };
  assert.match((await exec(['cat', '/etc/debian_version']))[1], /^\d+\.\d+/);
  assert.deepEqual(await exec(['cat', '/var/lib/apt']), [0, 'a file now\n']);
  assert.equal((await exec(['ls', '/usr/share/doc']))[0], 2);
  assert.match((await exec(['getcap', '/usr/bin/ping', '/bin/ping']))[1], /ping cap_net_raw=ep/);
  assert.match((await exec(['getfattr', '-n', 'user.colour', '/odd/two']))[1], /user\.colour="blue"/);
  assert.match((await exec(['sh', '-c', 'passwd --status nobody'], 'nobody'))[1], /^nobody/);
  const [code, text] = await exec(['dpkg-query', '-W', '-f', '${Status}\n', 'iputils-ping']);
  assert.deepEqual([code, text], [0, 'install ok installed\n']);
  await client.containers.remove(id, { force: true });
  await journey.assertInOrder();
});

test('removing the image frees all that it took', async () => {
  await journey.client.images.remove(name);
  await journey.assertInOrder();
  const { content, snapshots } = readRecords(journey.daemon.root);
  assert.equal(snapshots.length, 1, 'the snapshot of the first image');
  assert.equal(content.length, 3, 'the blobs of the first image');
});
