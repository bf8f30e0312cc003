import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseToml } from '#/daemon/config/toml.ts';

const main = join(import.meta.dirname, 'main.ts');

function berthd(args: readonly string[], input: string | Uint8Array = '', env: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, [main, ...args], {
    input,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  });
}

test("berthd --version has containerd's four fields", () => {
  assert.match(berthd(['--version']).stdout, /^berthd berth v\d+\.\d+\.\d+\S* \S+\n$/);
});

test('berthd config migrate prints the given file alone, dump prints what it imports too', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'config-'));
  const path = join(directory.path, 'config.toml');
  await writeFile(path, 'version = 2\nimports = ["more.toml"]\n[grpc]\ngid = 7\n');
  await writeFile(join(directory.path, 'more.toml'), 'version = 3\nroot = "/r"\n');
  const [migrated, dumped] = ['migrate', 'dump'].map((word) =>
    parseToml(berthd(['-c', path, 'config', word]).stdout, word),
  );
  assert.deepEqual([migrated?.['version'], migrated?.['root']], [4, undefined]);
  assert.equal(dumped?.['root'], '/r');
});

test('berthd oci-hook becomes the program, with the state filled into arguments and environment', async () => {
  await using bundle = await mkdtempDisposable(join(tmpdir(), 'bundle-'));
  await writeFile(join(bundle.path, 'config.json'), JSON.stringify({ root: { path: 'rootfs' } }));
  const state = { id: 'c1', pid: 42, status: 'created', bundle: bundle.path, annotations: { 'a/b': 'note' } };
  const script = 'echo "$0 $HOOK_ID $(cat | wc -c)"';
  const args = ['oci-hook', '/bin/sh', '-c', script, '{{rootfs}} {{pid}} {{status}} {{annotation "a/b"}}'];
  const { stdout, stderr, status } = berthd(args, JSON.stringify(state), { HOOK_ID: '{{id}}' });
  assert.equal(stdout, `${bundle.path}/rootfs 42 created note c1 0\n`, stderr);
  assert.equal(status, 0);
});
