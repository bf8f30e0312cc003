import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { mkdtempDisposable, open, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openFifo } from '#/linux/fifo.ts';
import { mkfifo } from '#/linux/mknod.ts';
import { run, spawn } from '#/linux/spawn.ts';

const env = { PATH: '/bin:/usr/bin' };

test('openFifo() for reading waits for a writer and ends when the last has left', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'fifo-'));
  const path = join(directory.path, 'fifo');
  await mkfifo(path, 0o600);
  const stream = await openFifo(path, 'read');
  let text = '';
  let ended = false;
  stream.on('data', (piece: Buffer) => (text += piece.toString()));
  stream.on('end', () => (ended = true));
  await delay(50);
  assert.equal(ended, false);
  const write = 'exec 3>"$1"; echo one >&3; (sleep 0.1; echo two) >&3';
  await run({ file: 'sh', args: ['-c', write, 'sh', path], env, timeoutMs: 5000, maxOutput: 1 });
  if (!stream.destroyed) await once(stream, 'close');
  assert.equal(text, 'one\ntwo\n');
  assert.equal(ended, true);
});

test('openFifo() for writing needs a reader, and tells when it has gone', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'fifo-'));
  const path = join(directory.path, 'fifo');
  await mkfifo(path, 0o600);
  await assert.rejects(openFifo(path, 'write'), { code: 'ENXIO', syscall: 'open', path });
  await using reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stream = await openFifo(path, 'write');
  await new Promise<void>((resolve) => stream.write('content', () => resolve()));
  const { buffer, bytesRead } = await reader.read(Buffer.alloc(100));
  assert.equal(buffer.toString('utf8', 0, bytesRead), 'content');
  await reader.close();
  stream.write('lost');
  const [error] = (await once(stream, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'EPIPE');
});

test('openFifo() for both survives that others come and go', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'fifo-'));
  const path = join(directory.path, 'fifo');
  await mkfifo(path, 0o600);
  const stream = await openFifo(path, 'both');
  for (const word of ['one', 'two']) {
    const child = spawn({ file: 'sh', args: ['-c', 'echo "$1" >"$2"', 'sh', word, path], env, stdio: [] });
    const [piece] = (await once(stream, 'data')) as [Buffer];
    assert.equal(piece.toString(), `${word}\n`);
    assert.deepEqual(await child.exited, { code: 0 });
  }
  stream.destroy();
});

test('openFifo() holds no thread of the pool, however many FIFOs nobody writes to', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'fifo-'));
  const paths = Array.from({ length: 16 }, (_, at) => join(directory.path, `fifo-${at}`));
  for (const path of paths) await mkfifo(path, 0o600);
  const started = performance.now();
  const streams = await Promise.all(paths.map((path) => openFifo(path, 'read')));
  for (const stream of streams) stream.resume();
  await stat(directory.path);
  assert(performance.now() - started < 1000);
  for (const stream of streams) stream.destroy();
});

test('openFifo() opens nothing but FIFOs', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'fifo-'));
  const path = join(directory.path, 'socket');
  await using server = createServer().listen(path);
  await once(server, 'listening');
  for (const other of [path, '/dev/null', '/etc/passwd', directory.path])
    await assert.rejects(openFifo(other, 'read'), { code: 'ENXIO', path: other });
  await assert.rejects(openFifo('/no/such/fifo', 'both'), { code: 'ENOENT' });
});
