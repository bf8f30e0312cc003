import assert from 'node:assert/strict';
import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultConfigFiles, findCredentials } from '#/core/registry/credentials.ts';
import type { Credentials } from '#/core/registry/contract.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function lookUp(config: unknown, domain: string, helper = ''): Promise<Credentials | undefined> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-login-'));
  const file = join(directory.path, 'config.json');
  await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config));
  const program = join(directory.path, 'docker-credential-fake');
  await writeFile(program, `#!/bin/sh\nread -r server || true\n${helper}\n`);
  await chmod(program, 0o755);
  const path = `${directory.path}:${process.env['PATH'] ?? ''}`;
  return await findCredentials([join(directory.path, 'missing.json'), file], domain, { PATH: path });
}

test('defaultConfigFiles() follows DOCKER_CONFIG, else the home directory', () => {
  assert.deepEqual(defaultConfigFiles({ DOCKER_CONFIG: '/x' }), ['/x/config.json']);
  assert.deepEqual(defaultConfigFiles({ HOME: '/home/ann' }), ['/home/ann/.docker/config.json']);
});

test('findCredentials() reads base64 auth, whose password may have colons', async () => {
  const auths = { 'ghcr.io': { auth: base64('ann:p:w') }, 'https://old.example/v2/': { auth: base64('bob:x') } };
  assert.deepEqual(await lookUp({ auths }, 'ghcr.io'), { username: 'ann', password: 'p:w' });
  assert.deepEqual(await lookUp({ auths }, 'old.example'), { username: 'bob', password: 'x' });
  assert.equal(await lookUp({ auths }, 'other.example'), undefined);
  assert.equal(await lookUp({}, 'ghcr.io'), undefined);
});

test('findCredentials() knows Docker Hub by its old URL, and identity tokens', async () => {
  const auths = { 'https://index.docker.io/v1/': { auth: base64('ann:'), identitytoken: 'refresh' } };
  assert.deepEqual(await lookUp({ auths }, 'docker.io'), { username: 'ann', password: '', identityToken: 'refresh' });
});

test('findCredentials() asks the helper of a host, then the general one, then the stored entries', async () => {
  const says = `printf '{"ServerURL":"%s","Username":"ann","Secret":"for %s"}' "$server" "$server"`;
  const expected = { username: 'ann', password: 'for ghcr.io' };
  assert.deepEqual(await lookUp({ credHelpers: { 'ghcr.io': 'fake' } }, 'ghcr.io', says), expected);
  assert.deepEqual(await lookUp({ credsStore: 'fake' }, 'ghcr.io', says), expected);
  assert.deepEqual(await lookUp({ credsStore: 'fake' }, 'docker.io', says), {
    username: 'ann',
    password: 'for https://index.docker.io/v1/',
  });
  const token = `echo '{"Username":"<token>","Secret":"refresh"}'`;
  assert.deepEqual(await lookUp({ credsStore: 'fake' }, 'ghcr.io', token), { identityToken: 'refresh' });
  const unknown = 'echo "credentials not found in native keychain"; exit 1';
  const auths = { 'ghcr.io': { auth: base64('bob:pw') } };
  assert.deepEqual(await lookUp({ credsStore: 'fake', auths }, 'ghcr.io', unknown), {
    username: 'bob',
    password: 'pw',
  });
});

test('findCredentials() names the file or the helper that is wrong', async () => {
  await assert.rejects(lookUp('{', 'ghcr.io'), { kind: 'failed-precondition', message: /config\.json": it is not/ });
  await assert.rejects(lookUp({ auths: { 'ghcr.io': { auth: '!!' } } }, 'ghcr.io'), {
    message: /login of "ghcr.io" in ".*config.json"/,
  });
  await assert.rejects(lookUp({ credsStore: '../../bin/sh' }, 'ghcr.io'), { kind: 'invalid-argument' });
  await assert.rejects(lookUp({ credsStore: 'absent' }, 'ghcr.io'), /from the helper "absent"/);
  await assert.rejects(lookUp({ credsStore: 'fake' }, 'ghcr.io', 'echo locked >&2; exit 3'), {
    message: /failed: locked/,
  });
  await assert.rejects(lookUp({ credsStore: 'fake' }, 'ghcr.io', 'echo nonsense'), { message: /no "Username"/ });
});
