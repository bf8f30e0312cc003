import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseNetwork, readNetwork } from '#/client/cni/read-network.ts';
import { addNetwork, removeNetwork, type CniTarget } from '#/client/cni/run-plugins.ts';

/** Writes down how it was called, and answers with a result that names it. */
const plugin = (name: string): string => `#!/bin/sh
cd "$(dirname "$0")/.."
printf '%s %s %s %s ' "${name}" "$CNI_COMMAND" "$CNI_CONTAINERID" "$CNI_IFNAME" >> calls
cat >> calls; echo >> calls
[ "${name}" != broken ] || { echo '{"code":7,"msg":"no room","details":"all are taken"}'; exit 1; }
[ "$CNI_COMMAND" = DEL ] || echo '{"cniVersion":"0.4.0","by":"${name}"}'
`;

async function openPlugins(): Promise<
  { path: string; target: CniTarget; calls: () => Promise<string[]> } & AsyncDisposable
> {
  const directory = await mkdtempDisposable(join(tmpdir(), 'cni-'));
  await mkdir(join(directory.path, 'bin'));
  for (const name of ['first', 'second', 'broken']) {
    await writeFile(join(directory.path, 'bin', name), plugin(name));
    await chmod(join(directory.path, 'bin', name), 0o755);
  }
  return {
    path: directory.path,
    target: { containerId: 'ns-box', netns: '/proc/1/ns/net', pluginDirectories: [join(directory.path, 'bin')] },
    calls: async () => (await readFile(join(directory.path, 'calls'), 'utf8')).trim().split('\n'),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

const network = parseNetwork(
  '{"name":"net","cniVersion":"0.4.0","plugins":[{"type":"first","x":1},{"type":"second"}]}',
);

test('addNetwork() asks each plugin in turn and hands results on; removeNetwork() goes back', async () => {
  await using plugins = await openPlugins();
  const made = await addNetwork(network, plugins.target);
  assert.equal(made['by'], 'second');
  await removeNetwork(network, plugins.target, made);
  const calls = await plugins.calls();
  assert.deepEqual(
    calls.map((line) => line.split(' ').slice(0, 4).join(' ')),
    ['first ADD ns-box eth0', 'second ADD ns-box eth0', 'second DEL ns-box eth0', 'first DEL ns-box eth0'],
  );
  const configs = calls.map((line) => JSON.parse(line.slice(line.indexOf('{'))) as Record<string, unknown>);
  assert.deepEqual(configs[0], { type: 'first', x: 1, name: 'net', cniVersion: '0.4.0' });
  assert.deepEqual(configs[1]?.['prevResult'], { cniVersion: '0.4.0', by: 'first' });
  assert.deepEqual(configs[3]?.['prevResult'], made);
});

test('addNetwork() tells what a plugin complains of, and names one that is not there', async () => {
  await using plugins = await openPlugins();
  const broken = parseNetwork('{"name":"net","type":"broken"}');
  await assert.rejects(addNetwork(broken, plugins.target), /broken says: no room; all are taken/);
  const missing = parseNetwork('{"name":"net","type":"nowhere"}');
  await assert.rejects(addNetwork(missing, plugins.target), { kind: 'not-found', message: /"nowhere" in / });
  const evil = parseNetwork('{"name":"net","type":"../first"}');
  await assert.rejects(addNetwork(evil, plugins.target), { kind: 'invalid-argument' });
});

test('readNetwork() takes the first file by name, and says so when there is none', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'cni-'));
  await assert.rejects(readNetwork(directory.path), { kind: 'not-found' });
  await writeFile(join(directory.path, '20.conf'), '{"name":"later","type":"b"}');
  await writeFile(join(directory.path, '10.conflist'), '{"name":"sooner","plugins":[{"type":"a"}]}');
  assert.equal((await readNetwork(directory.path)).name, 'sooner');
  await writeFile(join(directory.path, '05.json'), '{}');
  await assert.rejects(readNetwork(directory.path), { kind: 'invalid-argument', message: /05\.json.*"name"/ });
});
