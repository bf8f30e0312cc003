import assert from 'node:assert/strict';
import { chmod, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { newToken } from '#/base/ids.ts';
import { openFifo } from '#/linux/fifo.ts';
import { mkfifo } from '#/linux/mknod.ts';
import type { ShimPlace } from '../support/shim.ts';
import { openShimPlace, task } from '../support/shim.ts';
import { untilTrue } from '../support/until.ts';
import { create } from './played.ts';

const limit = { timeout: 60_000 };

async function fifoAt(path: string): Promise<string> {
  await mkfifo(path, 0o600);
  return path;
}

/** A FIFO that is read to its end. */
async function openOutput({ place }: ShimPlace): Promise<{ path: string; text: Promise<string> }> {
  const path = await fifoAt(join(place.path, `out-${newToken(4)}`));
  const chunks = (await openFifo(path, 'read')).toArray();
  return { path, text: chunks.then((all: Buffer[]) => Buffer.concat(all).toString()) };
}

test('input lasts until CloseIO and every writer have let go of it', limit, async () => {
  await using shims = await openShimPlace();
  const stdin = await fifoAt(join(shims.place.path, 'in'));
  const output = await openOutput(shims);
  const { id, shim, start, end } = await create(shims, 'cat; echo over', { stdin, stdout: output.path });
  await start();
  const first = await openFifo(stdin, 'write');
  first.end('one ');
  await untilTrue('the end of the first writer', () => Promise.resolve(first.closed));
  const second = await openFifo(stdin, 'write');
  await shim.call(task.closeIO, { id, stdin: true });
  second.end(`${'z'.repeat(200_000)}\n`);
  assert.equal(await end(), 0);
  assert.equal(await output.text, `one ${'z'.repeat(200_000)}\nover\n`);
});

test('a reader that leaves and comes back gets what was written meanwhile', limit, async () => {
  await using shims = await openShimPlace();
  const stdout = await fifoAt(join(shims.place.path, 'out'));
  const stdin = await fifoAt(join(shims.place.path, 'in'));
  const { id, shim, start, end } = await create(shims, 'while read line; do echo "got $line"; done', { stdin, stdout });
  await start();
  const input = await openFifo(stdin, 'write');
  const first = await openFifo(stdout, 'read');
  input.write('a\n');
  assert.equal(await firstOf(first), 'got a\n');
  first.destroy();
  await untilTrue('the end of the reader', () => Promise.resolve(first.closed));
  input.write('b\nc\n');
  const second = (await openFifo(stdout, 'read')).toArray();
  await shim.call(task.closeIO, { id, stdin: true });
  input.end();
  assert.equal(await end(), 0);
  assert.equal(Buffer.concat(await second).toString(), 'got b\ngot c\n');
});

async function firstOf(stream: AsyncIterable<unknown>): Promise<string> {
  for await (const chunk of stream) return String(chunk);
  return '';
}

test('output without a reader holds back only the process that writes it', limit, async () => {
  await using shims = await openShimPlace();
  const stdout = await fifoAt(join(shims.place.path, 'unread'));
  const held = await create(shims, 'head -c 4000000 /dev/zero; echo end', { stdout });
  await held.start();
  const output = await openOutput(shims);
  const { id, shim } = held;
  const spec = { args: ['seq', '3'], cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 }, capabilities: {} };
  const value = Buffer.from(JSON.stringify(spec));
  await shim.call(task.exec, { id, execId: 'e', stdout: output.path, spec: { typeUrl: processType, value } });
  await shim.call(task.start, { id, execId: 'e' });
  assert.equal((await shim.call(task.wait, { id, execId: 'e' })).exitStatus, 0);
  await shim.call(task.delete, { id, execId: 'e' });
  assert.equal(await output.text, '1\n2\n3\n');
  const late = (await openFifo(stdout, 'read')).toArray();
  assert.equal(await held.end(), 0);
  assert.equal(Buffer.concat(await late).length, 4_000_004);
});

const processType = 'types.containerd.io/opencontainers/runtime-spec/1/Process';

test('a descendant that keeps the output open does not keep the container from being deleted', limit, async () => {
  await using shims = await openShimPlace();
  const stdout = await fifoAt(join(shims.place.path, 'out'));
  const output = await openFifo(stdout, 'read');
  const holder = await create(shims, 'sleep 100', { stdout });
  await holder.start();
  // Somebody else who writes to the same pipe.
  const { pid } = await holder.shim.call(task.state, { id: holder.id });
  const child = await open(`/proc/${pid}/fd/1`, 'w');
  await holder.shim.call(task.kill, { id: holder.id, signal: 9 });
  assert.equal(await holder.end(), 137);
  await child.close();
  assert.equal((await output.toArray()).length, 0);
});

test('file:// makes the file and its directories, and appends both outputs', limit, async () => {
  await using shims = await openShimPlace();
  const path = join(shims.place.path, 'a/b c/log');
  const uri = `file://${path.replace(' ', '%20')}`;
  for (const word of ['one', 'two']) {
    const { start, end } = await create(shims, `echo ${word}; echo ${word} >&2`, { stdout: uri, stderr: uri });
    await start();
    assert.equal(await end(), 0);
  }
  assert.deepEqual((await readFile(path, 'utf8')).split('\n').sort(), ['', 'one', 'one', 'two', 'two']);
  assert.equal((await stat(path)).mode & 0o777, 0o644);
});

test('a logger of binary:// gets both outputs, the parameters in order, and who it is for', limit, async () => {
  await using shims = await openShimPlace();
  const said = join(shims.place.path, 'said');
  const program = join(shims.place.path, 'logger');
  const script = `exec >'${said}'; echo "$@"; /usr/bin/env; : >&5; exec 5>&-; /bin/cat <&3; /bin/cat <&4`;
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  const uri = `binary://${program}?a=b+c&d=%25`;
  const { id, start, end } = await create(shims, 'echo out; echo err >&2', { stdout: uri, stderr: uri });
  await start();
  assert.equal(await end(), 0);
  const lines = (await readFile(said, 'utf8')).split('\n');
  assert.equal(lines[0], 'a b c d %');
  assert(lines.includes(`CONTAINER_ID=${id}`) && lines.includes(`CONTAINER_NAMESPACE=${shims.namespace}`));
  assert.equal(lines.filter((line) => line.includes('=') && !/^(CONTAINER_|PWD=|SHLVL=|_=)/.test(line)).length, 0);
  assert.deepEqual(lines.slice(-3), ['out', 'err', '']);
});

test('a logger that cannot be started, or is never ready, is why a container is not created', limit, async () => {
  await using shims = await openShimPlace();
  const refused = (stdout: string, message: RegExp): Promise<void> =>
    assert.rejects(create(shims, 'true', { stdout }), { message });
  await refused('binary:///no/such/logger', /"\/no\/such\/logger": No such file/);
  await refused('binary-v2:///bin/true', /ended before it was ready/);
  await refused('ftp:///log', /only fifo, file, binary/);
  await refused(join(shims.place.path, 'missing'), /missing".*No such file/);
});

test('a terminal has one output, its size is what was asked for, and it echoes', limit, async () => {
  await using shims = await openShimPlace();
  const stdin = await fifoAt(join(shims.place.path, 'in'));
  const output = await openOutput(shims);
  const streams = { stdin, stdout: output.path, terminal: true };
  const { id, shim, start, end } = await create(shims, 'read line; stty size; echo err >&2; exit 7', streams);
  await start();
  await shim.call(task.resizePty, { id, width: 97, height: 31 });
  const input = await openFifo(stdin, 'write');
  input.write('typed\n');
  assert.equal(await end(), 7);
  assert.equal(await output.text, 'typed\r\n31 97\r\nerr\r\n');
  input.destroy();
});
