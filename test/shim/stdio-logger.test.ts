import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { test } from 'node:test';
import { attachStdio } from '#/core/tasks/stdio.ts';
import { stdioBinary } from '#/core/tasks/tasks.fixture.ts';
import { openShimPlace } from '../support/shim.ts';
import { create } from './played.ts';

const limit = { timeout: 60_000 };
const output = { stdin: false, stdout: true, stderr: true, raw: true, once: false };

interface Logger {
  readonly child: ChildProcess;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly said: Promise<string>;
}

/** Starts berth-stdio as a shim starts a logger: outputs on 3 and 4, ready on 5. Resolves when it is ready or gone. */
async function startLogger(args: readonly string[]): Promise<Logger & { readonly ready: Buffer }> {
  const child = spawn(stdioBinary, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'], env: {} });
  const [complaint, stdout, stderr, ready] = (child.stdio as readonly unknown[]).slice(2);
  assert(
    complaint instanceof Socket && stdout instanceof Socket && stderr instanceof Socket && ready instanceof Socket,
  );
  return { child, stdout, stderr, said: text(complaint), ready: await buffer(ready) };
}

test('berth-stdio as a logger logs and serves attach, and ends with its streams', limit, async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'logger-'));
  const [log, socket] = [join(place.path, 'log'), join(place.path, 'socket')];
  const { child, stdout, stderr, ready } = await startLogger(['--binary', '1', '--log', log, '--socket', socket]);
  assert.deepEqual([...ready], [0]);
  const client = await attachStdio(socket, output);
  stdout.end('out\n');
  stderr.end('err');
  assert.deepEqual(
    (await buffer(client))
      .toString()
      .split(/(?<=\n)/)
      .sort(),
    ['err', 'out\n'].sort(),
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0);
  const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
  assert.deepEqual(lines.map((line) => (JSON.parse(line) as { log: string }).log).sort(), ['err', 'out\n']);
});

test(
  'berth-stdio as a logger that is told to end writes what is there, though somebody holds the streams',
  limit,
  async () => {
    await using place = await mkdtempDisposable(join(tmpdir(), 'logger-'));
    const log = join(place.path, 'log');
    const { child, stdout } = await startLogger(['--binary', '1', '--log', log, '--format', 'cri']);
    await new Promise((resolve) => stdout.write('kept\nhalf', resolve));
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
    assert.match(await readFile(log, 'utf8'), /^\S+ stdout F kept\n\S+ stdout P half\n$/);
  },
);

test('berth-stdio as a logger says what it cannot do', limit, async () => {
  const nothing = await startLogger(['--binary', '1']);
  assert.equal(await nothing.said, 'Cannot start: --socket or --log is needed\n');
  const odd = await startLogger(['--binary', '1', '--log', '/tmp/x', '--format', 'xml']);
  assert.equal(await odd.said, 'Cannot use "xml" as format: it must be json-file or cri\n');
  assert.equal(odd.ready.length, 0);
});

test('a container whose shim starts berth-stdio as its logger is logged by it', limit, async () => {
  await using shims = await openShimPlace();
  const log = join(shims.place.path, 'log');
  const uri = `binary-v2://${stdioBinary}?--binary=1&--log=${log}&--format=cri`;
  const { start, end } = await create(shims, 'seq 5000; echo err >&2', { stdout: uri, stderr: uri });
  await start();
  assert.equal(await end(), 0);
  const lines = (await readFile(log, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').slice(1).join(' '));
  assert.deepEqual(
    lines.filter((line) => line.startsWith('stdout')),
    Array.from({ length: 5000 }, (_, index) => `stdout F ${index + 1}`),
  );
  assert.deepEqual(
    lines.filter((line) => line.startsWith('stderr')),
    ['stderr F err'],
  );
});
