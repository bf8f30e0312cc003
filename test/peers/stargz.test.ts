/** The stargz snapshotter as a proxy plugin: an image runs before its layer is here. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { archiveOf } from '#/core/layers/archive-fixture.ts';
import { dialUnix } from '#/rpc/dial-unix.ts';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { startCountingProxy, type CountingProxy } from '../support/counting-proxy.ts';
import { busyboxLayer, dockerArchive } from '../support/layered-image.ts';
import { findPeerTools } from '../support/peer-tools.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { mustRun } from '../support/run-command.ts';

const tools = findPeerTools();
const { skip } = tools;
const ballast = 24 << 20;
const undo = new AsyncDisposableStack();
let daemon: Berthd;
let registry: TestRegistry;
let proxy: CountingProxy;
let image: string;
let stopStargz: () => Promise<void>;

const remote = (...args: string[]): Promise<string> =>
  mustRun('ctr-remote', ['--address', daemon.address, ...args], { timeoutMs: 120_000 });
const ctr = (...args: string[]): Promise<string> => mustRun(tools.path('ctr'), ['--address', daemon.address, ...args]);

/** Starts containerd-stargz-grpc with a root of its own. Nothing is fetched before it is read. */
async function startStargz(directory: string): Promise<string> {
  const address = join(directory, 'stargz.sock');
  const root = join(directory, 'root');
  await mkdir(root);
  await writeFile(
    join(directory, 'stargz.toml'),
    `noprefetch = true\nno_background_fetch = true\nno_prometheus = true\n[blob]\nchunk_size = 65536\n` +
      `[[resolver.host."${proxy.host}".mirrors]]\nhost = "${proxy.host}"\ninsecure = true\n`,
  );
  const log = createWriteStream(join(directory, 'log'));
  await once(log, 'open');
  const args = [
    '--address',
    address,
    '--config',
    join(directory, 'stargz.toml'),
    '--root',
    root,
    '--log-level',
    'debug',
  ];
  const child = spawn(tools.path('containerd-stargz-grpc'), args, { stdio: ['ignore', log, log] });
  stopStargz = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    // It unmounts what it has mounted.
    child.kill('SIGINT');
    await exited;
  };
  undo.defer(stopStargz);
  for (let tries = 0; tries < 500; tries++) {
    const socket = await dialUnix(address).catch(() => undefined);
    if (socket !== undefined) return (socket.destroy(), address);
    await delay(20);
  }
  throw new Error(`stargz does not answer: ${await readFile(join(directory, 'log'), 'utf8')}`);
}

before(async () => {
  if (skip !== false) return;
  registry = undo.use(await startRegistry());
  proxy = undo.use(await startCountingProxy(registry.host));
  const directory = await mkdtemp(join(tmpdir(), 'stargz-'));
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  const address = await startStargz(directory);
  const config = join(directory, 'config.toml');
  const berth = '[berth]\nsnapshotter = "stargz"\n';
  const exports = `[proxy_plugins.stargz.exports]\nroot = "${directory}/root"\n`;
  await writeFile(
    config,
    `version = 2\n[proxy_plugins.stargz]\ntype = "snapshot"\naddress = "${address}"\n${exports}${berth}`,
  );
  daemon = undo.use(await startBerthd(['--config', config]));
  image = `${proxy.host}/lazy:1`;
  const layer = await busyboxLayer({ name: 'ballast', content: randomBytes(ballast) });
  const archive = join(directory, 'image.tar');
  await writeFile(archive, dockerArchive('localhost/plain:1', { layers: [layer] }));
  await remote('images', 'import', archive);
  await remote('images', 'convert', '--oci', '--estargz', 'localhost/plain:1', image);
  await remote('images', 'push', '--plain-http', image);
  const layers = [await busyboxLayer(), archiveOf({ name: 'second', content: 'layer' })];
  await writeFile(archive, dockerArchive(plain(), { layers }));
  await remote('images', 'import', '--no-unpack', archive);
  await remote('images', 'push', '--plain-http', plain());
  await remote('images', 'rm', '--sync', 'localhost/plain:1', image, plain());
});

after(async () => {
  await undo.disposeAsync();
});

/** An image whose layers are no eStargz. */
const plain = (): string => `${proxy.host}/plain:1`;
const fetched = (): number => [...proxy.blobBytes.values()].reduce((sum, bytes) => sum + bytes, 0);

test('an eStargz image runs from the stargz snapshotter before its layer is here', { skip }, async () => {
  await ctr('images', 'pull', '--plain-http', '--snapshotter', 'stargz', image);
  assert.ok(fetched() < ballast / 4, `${fetched()} bytes were fetched by the pull`);
  assert.match(await ctr('snapshots', '--snapshotter', 'stargz', 'ls'), /Committed/);
  const output = await ctr('run', '--rm', '--snapshotter', 'stargz', image, 'lazily', '/bin/sh', '-c', 'echo it runs');
  assert.equal(output, 'it runs\n');
  const started = fetched();
  assert.ok(started < ballast / 2, `${started} bytes were fetched until it ran`);
  await ctr('run', '--rm', '--snapshotter', 'stargz', image, 'wholly', '/bin/cat', '/ballast');
  assert.ok(fetched() >= ballast, 'what is read is fetched');
});

test('ctr-remote rpull, whose own labels say where layers come from, gets the same', { skip }, async () => {
  await ctr('images', 'rm', '--sync', image);
  assert.doesNotMatch(await ctr('snapshots', '--snapshotter', 'stargz', 'ls'), /Committed/);
  proxy.forget();
  await remote('images', 'rpull', '--plain-http', image);
  assert.ok(fetched() < ballast / 4, `${fetched()} bytes were fetched by the pull`);
  assert.equal(await ctr('run', '--rm', '--snapshotter', 'stargz', image, 'rpulled', '/bin/echo', 'hi'), 'hi\n');
});

test(
  'an image that is not for lazy pulling is fetched and unpacked as ever, by the daemon and by a client',
  { skip },
  async () => {
    const run = ['run', '--rm', '--snapshotter', 'stargz', plain(), 'whole', '/bin/cat', '/second'];
    await ctr('images', 'pull', '--plain-http', '--snapshotter', 'stargz', plain());
    assert.equal(await ctr(...run), 'layer');
    await ctr('images', 'rm', '--sync', plain());
    await remote('images', 'pull', '--plain-http', '--snapshotter', 'stargz', plain());
    assert.equal(await ctr(...run), 'layer');
  },
);

test('Docker’s face runs it too when the configuration says so, also after a restart', { skip }, async () => {
  const docker = (...args: string[]): Promise<string> => mustRun('docker', ['-H', daemon.dockerHost, ...args]);
  await docker('pull', image);
  await daemon.stop();
  await daemon.start();
  assert.equal(await docker('run', '--rm', '--network', 'none', image, '/bin/echo', 'docked'), 'docked\n');
});

test('berthd goes on without the stargz snapshotter, and says what is missing', { skip }, async () => {
  await stopStargz();
  const refused = ctr('snapshots', '--snapshotter', 'stargz', 'ls');
  await assert.rejects(refused, /Cannot reach snapshotter "stargz": nobody answers at ".*stargz.sock"; is it running/);
  assert.match(await ctr('images', 'ls'), /lazy:1/);
  await daemon.stop();
  await daemon.start();
  assert.match(await ctr('plugins', 'ls'), /snapshotter.v1\s+stargz\s+linux\/\w+\s+ok/);
});
