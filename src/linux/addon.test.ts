import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { addon } from '#/linux/addon.ts';
import { run } from '#/linux/spawn.ts';

const limits = { timeoutMs: 20_000, maxOutput: 65_536 };

/** What loading says in a process of its own. */
async function load(named: string, script = ''): Promise<string> {
  const body = `import { addon } from '${import.meta.resolve('#/linux/addon.ts')}';
    ${script}
    try { addon(); console.log('loaded'); } catch (error) { console.log(error.kind, error.message); }`;
  const args = ['--input-type=module-typescript', '-e', body];
  const result = await run({ ...limits, file: process.execPath, args, env: { BERTH_ADDON: named } });
  return `${result.stdout.toString()}${result.stderr.toString()}`.trim();
}

test('addon() takes the file that BERTH_ADDON names, and no other then', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'addon-'));
  const path = join(directory.path, 'wrong.node');
  assert.match(
    await load(path),
    /^failed-precondition Cannot load the native part ".*wrong\.node".*make -C native addon/,
  );
  await writeFile(path, 'no ELF');
  assert.match(await load(path), /^failed-precondition Cannot load the native part/);
  assert.equal(await load(''), 'loaded');
  assert.equal(await load(join(import.meta.dirname, '../../build/berth.node')), 'loaded');
});

test('addon() functions answer wrong arguments with -EINVAL, sync and async', () => {
  const calls = addon() as unknown as Record<string, (...args: unknown[]) => unknown>;
  const invalid = -22;
  for (const [name, call] of Object.entries(calls)) {
    if (name.startsWith('trimMemory') || name === 'probeNftablesAsync') continue;
    assert.equal(call(), invalid, name);
    assert.equal(call(...Array.from({ length: 12 }, () => ({}))), invalid, name);
    assert.equal(call(...Array.from({ length: 20 }, () => 'x')), invalid, name);
  }
  assert(Object.keys(calls).length > 30);
});
