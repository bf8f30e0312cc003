import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFileCache } from '#/core/registry/file-cache.ts';
import { createFindHosts, type FindHosts } from '#/core/registry/find-hosts.ts';

const finder = (insecureRegistries: readonly string[] = []): FindHosts =>
  createFindHosts({ files: createFileCache(), certificatePath: '', cri: {}, insecureRegistries });

/** Scheme, address, and whether any certificate does. */
async function only(find: FindHosts, domain: string, scheme?: 'http' | 'https'): Promise<unknown> {
  const { hosts } = await find(domain, scheme === undefined ? {} : { defaultScheme: scheme });
  return hosts.map(({ root, scheme: spoken, tls }) => [spoken, root.host, tls.skipVerify ?? false]);
}

test('a registry that nothing is said of is itself, by https', async () => {
  assert.deepEqual(await only(finder(), 'reg.example:5000'), [['https', 'reg.example:5000', false]]);
  assert.deepEqual(await only(finder(), 'docker.io'), [['https', 'registry-1.docker.io', false]]);
});

test('a registry of this machine may speak http and have any certificate, unless the scheme is given', async () => {
  for (const host of ['localhost:5000', '127.0.0.1:5000', '[::1]:5000'])
    assert.deepEqual(await only(finder(), host), [['either', host, true]]);
  assert.deepEqual(await only(finder(), 'localhost:5000', 'https'), [['https', 'localhost:5000', false]]);
  assert.deepEqual(await only(finder(), 'localhost:5000', 'http'), [['http', 'localhost:5000', false]]);
});

test('the default scheme is not for Docker Hub', async () => {
  assert.deepEqual(await only(finder(), 'docker.io', 'http'), [['https', 'registry-1.docker.io', false]]);
  assert.deepEqual(await only(finder(), 'reg.example', 'http'), [['http', 'reg.example', false]]);
});

test('insecure registries are named by host and port, or by a block of addresses', async () => {
  const find = finder(['reg.example:5000', '10.0.0.0/8', 'fd00::/16', 'nonsense/99']);
  const insecure = async (host: string): Promise<void> =>
    assert.deepEqual(await only(find, host), [['either', host, true]]);
  await insecure('reg.example:5000');
  await insecure('10.1.2.3:80');
  await insecure('10.1.2.3');
  await insecure('[fd00::7]:5000');
  for (const host of ['reg.example', 'reg.example:5001', '11.0.0.1', '[fe00::7]'])
    assert.deepEqual(await only(find, host), [['https', host, false]]);
});
