import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readJsonLines } from '#/client/json-lines.ts';

async function* pieces(parts: readonly (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield Buffer.from(part);
}

async function valuesOf(parts: readonly (string | Buffer)[]): Promise<unknown[]> {
  return Array.fromAsync(readJsonLines(pieces(parts)));
}

test('readJsonLines() takes CRLF, LF, empty lines and a last line without an end', async () => {
  assert.deepEqual(await valuesOf(['{"a":1}\r\n\n{"a":', '2}\n\r\n{"a":3}']), [{ a: 1 }, { a: 2 }, { a: 3 }]);
});

test('readJsonLines() puts characters together that were cut apart', async () => {
  const bytes = Buffer.from('{"a":"schön 🚢"}\n');
  assert.deepEqual(await valuesOf([...bytes].map((byte) => Buffer.from([byte]))), [{ a: 'schön 🚢' }]);
});

test('readJsonLines() refuses what is no JSON, and lines without end', async () => {
  await assert.rejects(valuesOf(['<html>\n']), { kind: 'data-loss' });
  await assert.rejects(valuesOf(['{"a":\n']), { kind: 'data-loss' });
  await assert.rejects(valuesOf(['"', ...Array.from({ length: 5 }, () => 'x'.repeat(1 << 20))]), {
    kind: 'resource-exhausted',
  });
});
