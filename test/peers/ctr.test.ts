/** The real ctr of Debian's containerd against berthd. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { digestOf } from '#/oci/digest.ts';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { makeHelloArchive } from '../support/hello-image.ts';
import { mustRun, runCommand, type CommandOptions, type CommandResult } from '../support/run-command.ts';
import { untilTrue } from '../support/until.ts';

const image = 'docker.io/library/hello:latest';
let daemon: Berthd;
let archive: string;

const tryCtr = (args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> =>
  runCommand('ctr', ['--address', daemon.address, ...args], options);
const ctr = (...args: string[]): Promise<string> => mustRun('ctr', ['--address', daemon.address, ...args]);

/** The lines of a table without its header, cells split at blanks. */
const rows = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));

before(async () => {
  daemon = await startBerthd();
  archive = join(daemon.directory, 'hello.tar');
  await writeFile(archive, await makeHelloArchive());
  await ctr('images', 'import', archive);
});

after(async () => {
  await daemon[Symbol.asyncDispose]();
});

test('ctr version and plugins ls know the daemon', async () => {
  assert.match(await ctr('version'), /Server:\s+Version:\s+\S+/);
  const plugins = rows(await ctr('plugins', 'ls'));
  assert(plugins.some(([type, id]) => type === 'io.containerd.snapshotter.v1' && id === 'overlayfs'));
  const skipped = plugins.filter((cells) => cells.at(-1) !== 'ok').map(([, id, , status]) => [id, status]);
  assert.deepEqual(skipped, [['podsandbox', 'skip']], 'only what CRI will bring is not there yet');
});

test('ctr images import makes image, content and an unpacked snapshot', async () => {
  const [name, type] = rows(await ctr('images', 'ls'))[0] ?? [];
  assert.equal(name, image);
  assert.match(type ?? '', /manifest/);
  assert.match(await ctr('images', 'check'), /hello:latest.*complete.*true/);
  const digests = (await ctr('content', 'ls', '-q')).trim().split('\n');
  assert(digests.length >= 3, 'manifest, config and layer');
  for (const digest of digests)
    assert.equal(digestOf(await readBlob(digest)), digest, 'the bytes of a blob are what its digest says');
  const snapshots = rows(await ctr('snapshots', 'ls'));
  assert.deepEqual(
    snapshots.map(([, kind]) => kind),
    ['Committed'],
  );
});

async function readBlob(digest: string): Promise<Buffer> {
  const child = spawn('ctr', ['--address', daemon.address, 'content', 'get', digest]);
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('ctr images tag, label, export and rm work on names', async () => {
  await ctr('images', 'tag', image, 'example.com/other:1');
  await ctr('images', 'label', 'example.com/other:1', 'tier=front');
  assert.match(await ctr('images', 'ls', 'labels.tier==front'), /other:1/);
  const exported = join(daemon.directory, 'exported.tar');
  await ctr('images', 'export', exported, 'example.com/other:1');
  assert.match(await mustRun('tar', ['tf', exported]), /^index\.json$/m);
  await ctr('images', 'rm', '--sync', 'example.com/other:1');
  assert.doesNotMatch(await ctr('images', 'ls'), /other/);
  await ctr('images', 'import', exported);
  assert.match(await ctr('images', 'ls', '-q'), /other:1/);
  await ctr('images', 'rm', '--sync', 'example.com/other:1');
});

test('ctr run gives output and exit codes, and --rm leaves nothing', async () => {
  const script = 'echo out; echo err >&2; exit 7';
  const result = await tryCtr(['run', '--rm', image, 'one', 'sh', '-c', script]);
  assert.deepEqual([result.code, result.stdout], [7, 'out\n']);
  assert.match(result.stderr, /^err$/m);
  assert.deepEqual(rows(await ctr('containers', 'ls')), []);
  assert.deepEqual(rows(await ctr('tasks', 'ls')), []);
  assert.equal(rows(await ctr('snapshots', 'ls')).length, 1);
});

test('ctr run hands standard input on, to its end', async () => {
  const input = Buffer.alloc(1_000_000, 'berth\n');
  const { code, stdout } = await tryCtr(['run', '--rm', image, 'stdin', 'wc', '-c'], { input });
  assert.deepEqual([code, stdout.trim()], [0, '1000000']);
});

test('ctr run -t has a terminal', async () => {
  const command = `ctr --address ${daemon.address} run --rm -t ${image} terminal tty`;
  const { stdout } = await runCommand('script', ['-qec', command, '/dev/null']);
  assert.match(stdout, /\/dev\/(pts\/\d+|console)/);
});

test('ctr run sets environment, directory, mounts, labels and a read-only root', async () => {
  const shared = join(daemon.directory, 'hello.tar');
  const script = 'echo $A; pwd; wc -c < /in; touch /x 2>&1; true';
  const mount = `type=bind,src=${shared},dst=/in,options=rbind:ro`;
  const flags = ['--env', 'A=1', '--cwd', '/etc', '--mount', mount, '--read-only', '--label', 'k=v'];
  const { stdout } = await tryCtr(['run', '--rm', ...flags, image, 'flags', 'sh', '-c', script]);
  const [variable, directory, size, refusal] = stdout.split('\n');
  assert.deepEqual([variable, directory, Number(size)], ['1', '/etc', (await stat(shared)).size]);
  assert.match(refusal ?? '', /Read-only file system/);
});

test('a program that is not there fails with the runtime’s words and leaves nothing', async () => {
  const { code, stderr } = await tryCtr(['run', '--rm', image, 'missing', 'no-such-program']);
  assert.notEqual(code, 0);
  assert.match(stderr, /no-such-program/);
  await ctr('containers', 'rm', 'missing').catch(() => '');
  assert.deepEqual(rows(await ctr('tasks', 'ls')), []);
  const runtime = await tryCtr(['run', '--rm', '--runtime', 'io.containerd.nothing.v9', image, 'odd', 'true']);
  assert.notEqual(runtime.code, 0);
  assert.match(runtime.stderr, /nothing/);
});

test('a task is listed, execed into, paused, resumed, measured, killed and removed', async () => {
  await ctr('run', '-d', '--null-io', image, 'box', 'sleep', '1000');
  const status = async (): Promise<string | undefined> =>
    rows(await ctr('tasks', 'ls')).find(([id]) => id === 'box')?.[2];
  assert.equal(await status(), 'RUNNING');
  const exec = await tryCtr(['tasks', 'exec', '--exec-id', 'e1', 'box', 'sh', '-c', 'echo inside; exit 4']);
  assert.deepEqual([exec.code, exec.stdout], [4, 'inside\n']);
  await untilTrue('the end of the exec', async () => rows(await ctr('tasks', 'ps', 'box')).length === 1);
  assert.match(await ctr('tasks', 'metrics', 'box'), /memory/);
  await ctr('tasks', 'pause', 'box');
  assert.equal(await status(), 'PAUSED');
  await ctr('tasks', 'resume', 'box');
  const early = await tryCtr(['tasks', 'rm', 'box']);
  assert.match(early.stderr, /failed precondition|must be stopped/);
  await assert.rejects(ctr('run', '-d', '--null-io', image, 'box', 'true'), /already exists/);
  await ctr('tasks', 'kill', '--signal', 'SIGKILL', 'box');
  for (let tries = 0; (await status()) !== 'STOPPED' && tries < 100; tries++) await delay(20);
  assert.equal(await status(), 'STOPPED');
  assert.match((await tryCtr(['tasks', 'rm', 'box'])).stderr, /exit code 137/);
  await ctr('containers', 'rm', 'box');
  assert.match((await tryCtr(['containers', 'info', 'box'])).stderr, /not found/);
  assert.equal(rows(await ctr('snapshots', 'ls')).length, 1);
});

test('ctr tasks attach and start follow a container made before', async () => {
  await ctr('containers', 'create', image, 'made', 'cat', '/etc/hello', '/nothing');
  assert.equal(rows(await ctr('containers', 'ls')).length, 1);
  const { code, stdout } = await tryCtr(['tasks', 'start', 'made']);
  assert.deepEqual([code, stdout], [1, await helloText()]);
  await ctr('containers', 'rm', 'made');
});

const helloText = async (): Promise<string> =>
  (await tryCtr(['run', '--rm', image, 'hello-text', 'cat', '/etc/hello'])).stdout;

test('ctr containers label, info and ls -q see records', async () => {
  await ctr('containers', 'create', '--label', 'a=1', image, 'labelled', 'true');
  await ctr('containers', 'label', 'labelled', 'b=2');
  const info = JSON.parse(await ctr('containers', 'info', 'labelled')) as Record<string, Record<string, unknown>>;
  assert.deepEqual([info['Labels']?.['a'], info['Labels']?.['b']], ['1', '2']);
  assert.equal(info['Runtime']?.['Name'], 'io.containerd.runc.v2');
  assert.match(await ctr('containers', 'ls', '-q', 'labels.b==2'), /^labelled$/m);
  await ctr('containers', 'rm', 'labelled');
});

test('ctr content ingest, ls, label, get, fetch-object errors and rm', async () => {
  // Nothing holds the blob: a collection that earlier tests made due would take it.
  await ctr('leases', 'create', '--id', 'tidy');
  await ctr('leases', 'rm', '--sync', 'tidy');
  const blob = Buffer.alloc(3 << 20, 'content ');
  const digest = digestOf(blob);
  const ingest = ['content', 'ingest', '--expected-digest', digest, '--expected-size', String(blob.length), 'ref-1'];
  assert.equal((await tryCtr(ingest, { input: blob })).code, 0);
  assert.equal(digestOf(await readBlob(digest)), digest);
  await ctr('content', 'label', digest, 'k=v');
  assert.match(await ctr('content', 'ls', 'labels.k==v'), new RegExp(digest));
  assert.deepEqual(rows(await ctr('content', 'active')), []);
  const lying = ['content', 'ingest', '--expected-digest', digestOf('else'), 'ref-2'];
  const refused = await tryCtr(lying, { input: blob.subarray(1) });
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /failed precondition/);
  assert.equal(rows(await ctr('content', 'active'))[0]?.[0], 'ref-2');
  await ctr('content', 'rm', digest);
  assert.match((await tryCtr(['content', 'get', digest])).stderr, /not found/);
});

test('ctr snapshots prepare, mounts, info, usage, commit, tree and rm', async () => {
  const parent = rows(await ctr('snapshots', 'ls'))[0]?.[0] ?? '';
  assert.equal((await tryCtr(['leases', 'create', '--id', 'work'])).code, 0);
  await ctr('snapshots', 'prepare', 'active-1', parent);
  assert.match(await ctr('snapshots', 'mounts', '/mnt', 'active-1'), /^mount -t overlay overlay \/mnt -o/);
  assert.match(await ctr('snapshots', 'info', 'active-1'), /"Kind": "Active"/);
  await ctr('snapshots', 'commit', 'committed-1', 'active-1');
  assert.match(await ctr('snapshots', 'usage', 'committed-1'), /committed-1/);
  assert.match(await ctr('snapshots', 'tree'), /committed-1/);
  await ctr('snapshots', 'rm', 'committed-1');
  assert.match((await tryCtr(['snapshots', 'info', 'committed-1'])).stderr, /not found/);
  await ctr('leases', 'rm', 'work');
  assert.doesNotMatch(await ctr('leases', 'ls'), /work/);
});

test('ctr namespaces create, label, ls and rm; a used one is not removed', async () => {
  await ctr('namespaces', 'create', 'green', 'a=1');
  await ctr('namespaces', 'label', 'green', 'b=2');
  assert.match(await ctr('namespaces', 'ls'), /green\s+a=1,b=2/);
  await ctr('-n', 'green', 'images', 'import', archive);
  const refused = await tryCtr(['namespaces', 'rm', 'green']);
  assert.match(refused.stderr, /failed precondition/);
  await ctr('-n', 'green', 'images', 'rm', '--sync', image);
  await ctr('namespaces', 'rm', 'green');
  assert.doesNotMatch(await ctr('namespaces', 'ls'), /green/);
  assert.match(await ctr('images', 'ls', '-q'), /hello/);
});

test('ctr events tells the life of a container in order, by topic and namespace', async () => {
  const events = spawn('ctr', [
    '--address',
    daemon.address,
    'events',
    'namespace==default,topic~="^/(tasks|containers)/"',
  ]);
  let text = '';
  events.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await delay(300);
  await ctr('run', '--rm', '--null-io', image, 'told', 'true');
  await ctr('-n', 'green', 'namespaces', 'ls');
  for (let tries = 0; !text.includes('/containers/delete') && tries < 100; tries++) await delay(20);
  events.kill();
  await once(events, 'close');
  const topics = [...text.matchAll(/ default (\S+) /g)].map(([, topic]) => topic);
  assert.deepEqual(topics, [
    '/containers/create',
    '/tasks/create',
    '/tasks/start',
    '/tasks/exit',
    '/tasks/delete',
    '/containers/delete',
  ]);
  assert.match(text, /"container_id":"told"/);
});

test('a waiting ctr is told of a stopping daemon by an error, not by an exit, and the container runs on', async () => {
  const waiting = tryCtr(['run', '--rm', image, 'survivor', 'sh', '-c', 'sleep 60; exit 0']);
  for (let tries = 0; !(await ctr('tasks', 'ls')).includes('survivor') && tries < 100; tries++) await delay(20);
  await daemon.stop();
  const { code, stderr } = await waiting;
  assert.notEqual(code, 0, stderr);
  await daemon.start();
  assert.match(await ctr('tasks', 'ls'), /survivor\s+\d+\s+RUNNING/);
  await ctr('tasks', 'kill', '--signal', 'SIGKILL', 'survivor');
  for (let tries = 0; !(await ctr('tasks', 'ls')).includes('STOPPED') && tries < 100; tries++) await delay(20);
  await tryCtr(['tasks', 'rm', 'survivor']);
  await ctr('containers', 'rm', 'survivor');
  const errors = (await daemon.log()).split('\n').filter((line) => line.includes('level=error'));
  assert.deepEqual(errors, []);
});
