import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findExit, parseExit } from '#/core/tasks/exit-file.ts';

test('findExit() reads what the shim wrote of each process, and nothing that is no such record', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'exit-'));
  const bundle = { key: { namespace: 'n', id: 'c' }, path: place.path, work: '' };
  assert.equal(await findExit(bundle), undefined);
  await mkdir(join(place.path, 'exit'));
  await writeFile(join(place.path, 'exit/init'), '{"pid":12,"status":137,"at":"2026-11-25T08:00:00.000000001Z"}\n');
  await writeFile(join(place.path, 'exit/second'), '{"pid":13,"status":0,"at":"2026-11-25T08:00:01Z"}');
  const at = BigInt(Date.UTC(2026, 10, 25, 8)) * 1_000_000n;
  assert.deepEqual(await findExit(bundle), { pid: 12, exitStatus: 137, exitedAt: at + 1n });
  assert.deepEqual(await findExit(bundle, 'second'), { pid: 13, exitStatus: 0, exitedAt: at + 1_000_000_000n });
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"pid":1,"status":-1,"at":"2026-11-25T08:00:01Z"}',
    '{"pid":1,"status":0}',
    '{"pid":1,"status":0,"at":"soon"}',
    '{"pid":"1","status":0,"at":"2026-11-25T08:00:01Z"}',
  ])
    assert.equal(parseExit(text), undefined, text);
});
