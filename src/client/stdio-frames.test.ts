import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asStdout, demultiplex } from '#/client/stdio-frames.ts';

function frame(type: number, text: string): Buffer {
  const header = Buffer.from([type, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Buffer, size: number): Promise<{ stdout: string; stderr: string }> {
  const text = { stdout: '', stderr: '' };
  for await (const { stream, data } of demultiplex(cut(bytes, size))) text[stream] += data.toString();
  return text;
}

test('demultiplex() takes streams apart wherever the bytes are cut', async () => {
  const bytes = Buffer.concat([
    frame(1, 'one '),
    frame(2, 'error'),
    frame(1, ''),
    frame(0, 'zero '),
    frame(1, 'x'.repeat(300)),
  ]);
  for (const size of [1, 2, 7, 8, 9, 13, 1000])
    assert.deepEqual(await read(bytes, size), { stdout: `one zero ${'x'.repeat(300)}`, stderr: 'error' });
});

test('demultiplex() passes parts of a long frame on before it is complete', async () => {
  const parts = demultiplex(cut(frame(1, 'abcdef').subarray(0, 11), 100));
  assert.equal((await parts.next()).value?.data.toString(), 'abc');
  await assert.rejects(parts.next(), { kind: 'unavailable' });
});

test('demultiplex() refuses unframed bytes and streams that end within a header', async () => {
  await assert.rejects(read(Buffer.from('plain text of a terminal'), 100), { kind: 'data-loss' });
  await assert.rejects(read(Buffer.from([1, 0, 0]), 100), { kind: 'unavailable' });
});

test('demultiplex() throws the daemon’s own error frame', async () => {
  await assert.rejects(read(Buffer.concat([frame(1, 'ok'), frame(3, 'log driver broke')]), 3), /log driver broke/);
});

test('asStdout() takes everything for output', async () => {
  const chunks = await Array.fromAsync(asStdout(cut(Buffer.from('abc'), 2)));
  assert.deepEqual(
    chunks.map(({ stream, data }) => `${stream} ${data.toString()}`),
    ['stdout ab', 'stdout c'],
  );
});
