import assert from 'node:assert/strict';
import { access, readFile, rename } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AttachStdio } from '#/core/tasks/stdio.ts';
import { attachStdio, reopenLog, stdioEnded } from '#/core/tasks/stdio.ts';
import { openShimPlace, task } from '../support/shim.ts';
import { untilTrue } from '../support/until.ts';
import { create } from './played.ts';
import type { Streams } from './played.ts';

const limit = { timeout: 60_000 };
const output: AttachStdio = { stdin: false, stdout: true, stderr: true, raw: true, once: false };
const withStdin: AttachStdio = { ...output, stdin: true };

interface Held {
  readonly socket: string;
  readonly log: string;
  readonly streams: Streams;
}

/** Streams that a shim holds, with a log. */
function heldIn(directory: string, query = 'format=json-file'): Held {
  const socket = join(directory, 'attach.sock');
  const log = join(directory, 'log');
  const uri = `berth://${socket}?log=${log}&${query}`;
  return { socket, log, streams: { stdin: uri, stdout: uri, stderr: uri } };
}

const readAll = async (socket: Socket): Promise<string> => Buffer.concat(await socket.toArray()).toString();
const linesOf = async (path: string): Promise<string[]> => (await readFile(path, 'utf8')).split('\n').slice(0, -1);

test('whoever attaches before the start gets everything, and so has the log', limit, async () => {
  await using shims = await openShimPlace();
  const { socket, log, streams } = heldIn(shims.place.path);
  const { start, end } = await create(shims, 'seq 20000; echo err >&2', streams);
  const clients = await Promise.all([attachStdio(socket, output), attachStdio(socket, { ...output, stderr: false })]);
  const texts = Promise.all(clients.map(readAll));
  await start();
  await stdioEnded(socket);
  const numbers = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`);
  const [all = '', out = ''] = await texts;
  assert.equal(out, numbers.join(''));
  assert.equal(all.replace('err\n', ''), out);
  const records = (await linesOf(log)).map((line) => JSON.parse(line) as { log: string; stream: string });
  assert.deepEqual(
    records.filter(({ stream }) => stream === 'stdout').map((record) => record.log),
    numbers,
  );
  assert.deepEqual(
    records.filter(({ stream }) => stream === 'stderr').map((record) => record.log),
    ['err\n'],
  );
  assert.equal(await end(), 0);
  await assert.rejects(access(socket), { code: 'ENOENT' });
});

test(
  'whoever attaches late gets what comes from then on, and feeds the process until it ends its input',
  limit,
  async () => {
    await using shims = await openShimPlace();
    const { socket, log, streams } = heldIn(shims.place.path);
    const { start, end } = await create(shims, 'echo before; cat; echo after', streams);
    await start();
    await untilTrue('the first line in the log', async () => (await readFile(log, 'utf8')).includes('before'));
    const client = await attachStdio(socket, { ...withStdin, once: true });
    client.end('typed\n');
    assert.equal(await readAll(client), 'typed\nafter\n');
    assert.equal(await end(), 0);
  },
);

test('CloseIO ends the input of streams that the shim holds', limit, async () => {
  await using shims = await openShimPlace();
  const { socket, streams } = heldIn(shims.place.path);
  const { id, shim, start, end } = await create(shims, 'cat; echo after', streams);
  const client = await attachStdio(socket, withStdin);
  const text = readAll(client);
  await start();
  client.write('typed\n');
  await untilTrue('the echo', () => Promise.resolve(client.bytesRead > 1));
  await shim.call(task.closeIO, { id, stdin: true });
  assert.equal(await text, 'typed\nafter\n');
  assert.equal(await end(), 0);
});

test("a log in CRI's format tags the parts of long lines, drops \\r\\n, and ends with a part", limit, async () => {
  await using shims = await openShimPlace();
  const { log, streams } = heldIn(shims.place.path, 'format=cri');
  const line = (length: number): string => `head -c ${length} /dev/zero | tr '\\0' a`;
  const script = `${line(16_384)}; echo; ${line(16_385)}; echo; ${line(16_384)}; printf '\\r\\nx\\r\\n\\nend'`;
  const { start, end } = await create(
    shims,
    `tr() { busybox tr "$@"; }; printf() { busybox printf "$@"; }; ${script}`,
    {
      ...streams,
      stderr: '',
    },
  );
  await start();
  assert.equal(await end(), 0);
  const parsed = (await linesOf(log)).map((record) => /^(\S+) (stdout|stderr) ([FP]) (.*)$/.exec(record) ?? []);
  for (const [, time] of parsed) assert.match(time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
  assert.deepEqual(
    parsed.map(([, , stream, tag, text = '']) => [stream, tag, text.length > 9 ? text.length : text]),
    [
      ['stdout', 'F', 16_384],
      ['stdout', 'P', 16_384],
      ['stdout', 'F', 'a'],
      ['stdout', 'F', 16_384],
      ['stdout', 'F', 'x'],
      ['stdout', 'F', ''],
      ['stdout', 'P', 'end'],
    ],
  );
});

test('a log that was moved away is begun anew when that is asked for', limit, async () => {
  await using shims = await openShimPlace();
  const { socket, log, streams } = heldIn(shims.place.path, 'format=cri');
  const { start, end } = await create(shims, 'while read line; do echo "$line"; done', streams);
  const client = await attachStdio(socket, { ...withStdin, once: true });
  await start();
  client.write('one\n');
  await untilTrue('the first line in the log', async () => (await readFile(log, 'utf8')).includes('one'));
  await rename(log, `${log}.old`);
  await reopenLog(socket);
  client.end('two\n');
  assert.equal(await readAll(client), 'one\ntwo\n');
  assert.equal(await end(), 0);
  assert.match(await readFile(`${log}.old`, 'utf8'), /^\S+ stdout F one\n$/);
  assert.match(await readFile(log, 'utf8'), /^\S+ stdout F two\n$/);
});

test(
  'with mode=non-blocking nobody holds the process back, and a slow client learns what it missed',
  limit,
  async () => {
    await using shims = await openShimPlace();
    const { socket, log, streams } = heldIn(shims.place.path, 'mode=non-blocking&max-buffer-size=100000');
    const { shim, id, start, end } = await create(shims, 'seq 400000', streams);
    const slow = await attachStdio(socket, { ...output, raw: false });
    await start();
    assert.equal((await shim.call(task.wait, { id })).exitStatus, 0);
    const chunks: Buffer[] = await slow.toArray();
    const seen = Buffer.concat(chunks);
    let [got, said] = [0, ''];
    for (let at = 0; at < seen.length; at += 8 + seen.readUInt32BE(at + 4)) {
      const size = seen.readUInt32BE(at + 4);
      if (seen[at] === 1) got += size;
      else said += seen.toString('utf8', at + 8, at + 8 + size);
    }
    const total = (await linesOf(log)).reduce((sum, line) => sum + (JSON.parse(line) as { log: string }).log.length, 0);
    const dropped = [...said.matchAll(/^berth: (\d+) bytes were dropped here$/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
    assert(dropped > 0);
    assert.equal(got + dropped, total);
    assert.equal(await end(), 0);
  },
);

test('at most 64 clients are attached, and what is asked for wrongly is refused by name', limit, async () => {
  await using shims = await openShimPlace();
  const { socket, streams } = heldIn(shims.place.path);
  const { start, end } = await create(shims, 'cat', streams);
  const clients = await Promise.all(Array.from({ length: 64 }, () => attachStdio(socket, output)));
  await assert.rejects(attachStdio(socket, output), { kind: 'resource-exhausted' });
  clients.pop()?.destroy();
  let last: Socket | undefined;
  await untilTrue('a free place', async () => {
    last = await attachStdio(socket, { ...withStdin, once: true }).catch(() => undefined);
    return last !== undefined;
  });
  await start();
  last?.end('all\n');
  const texts = await Promise.all([...clients, ...(last === undefined ? [] : [last])].map(readAll));
  assert.deepEqual(
    texts,
    texts.map(() => 'all\n'),
  );
  assert.equal(await end(), 0);

  const refused = (query: string, message: RegExp): Promise<void> =>
    assert.rejects(create(shims, 'true', heldIn(shims.place.path, query).streams), { message });
  await refused('colour=red', /"colour" for streams: no such parameter/);
  await refused('max-file=0', /"0" as max-file: it must be a number from 1 to 9999/);
  await refused('max-buffer-size=9', /it needs mode=non-blocking/);
  const mixed = { ...heldIn(shims.place.path).streams, stderr: '/dev/null' };
  await assert.rejects(create(shims, 'true', mixed), { message: /berth:\/\/ is for all streams or none/ });
});

test('a terminal that the shim holds is one stream, and somebody may leave it', limit, async () => {
  await using shims = await openShimPlace();
  const { socket, log, streams } = heldIn(shims.place.path);
  const { start, end } = await create(shims, 'read a; read b; echo $a $b', { ...streams, stderr: '', terminal: true });
  const first = await attachStdio(socket, withStdin);
  await start();
  first.end('one\n');
  await untilTrue('the echo', async () => (await readFile(log, 'utf8')).includes('one'));
  const second = await attachStdio(socket, withStdin);
  second.write('two\n');
  assert.equal(await readAll(second), 'two\r\none two\r\n');
  assert.equal(await end(), 0);
});
