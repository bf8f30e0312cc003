import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStreams } from '#/client/containerd/process-io.ts';
import { readAll } from '#/client/read-all.ts';

test('openStreams() carries bytes both ways to their ends, and leaves no file', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'ctr-io-'));
  const place = join(directory.path, 'fifo');
  {
    await using streams = await openStreams({ directory: place, name: 'box', terminal: false });
    const { stdin, stdout, stderr } = streams.paths;
    const child = spawn('sh', ['-c', `exec <"${stdin}" >"${stdout}" 2>"${stderr}"; cat; echo done >&2`]);
    const input = await streams.openStdin(AbortSignal.timeout(10_000));
    input.end('to and fro');
    const output = await readAll(streams.stdout as AsyncIterable<Buffer>, 1000);
    assert.equal(output.toString(), 'to and fro');
    assert.equal((await readAll(streams.stderr as AsyncIterable<Buffer>, 1000)).toString(), 'done\n');
    child.kill();
  }
  assert.deepEqual(await readdir(place), []);
});

test('openStreams() of a terminal has no stream for errors, and openStdin() gives up when told', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'ctr-io-'));
  await using streams = await openStreams({ directory: directory.path, name: 'box', terminal: true });
  assert.deepEqual([streams.stderr, streams.paths.stderr], [undefined, '']);
  await assert.rejects(streams.openStdin(AbortSignal.abort()), { name: 'AbortError' });
});
