import assert from 'node:assert/strict';
import { chmod, mkdtempDisposable, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { configPath, readDockerConfig } from '#/cli/registry/docker-config.ts';
import {
  encodeAuth,
  findCredentials,
  hostOf,
  hubServer,
  registryAuth,
  serverKey,
} from '#/cli/registry/registry-auth.ts';
import { eraseLogin, storeLogin } from '#/cli/registry/stored-logins.ts';

const auth = (text: string): { auth: string } => ({ auth: Buffer.from(text).toString('base64') });

const openDirectory = (): Promise<{ path: string } & AsyncDisposable> => mkdtempDisposable(join(tmpdir(), 'registry-'));

test('serverKey() is the host, and one fixed address for Docker Hub', () => {
  assert.equal(serverKey('docker.io'), hubServer);
  assert.equal(serverKey('https://index.docker.io/v1/'), hubServer);
  assert.equal(serverKey('https://Registry.example:5000/v2/'), 'registry.example:5000');
  assert.equal(hostOf('http://localhost:5000'), 'localhost:5000');
});

test('findCredentials() reads user:password, tokens, and keys with a scheme', async () => {
  const config = {
    auths: {
      'https://a.example/v2/': auth('joe:pass:word'),
      'b.example': { ...auth('joe:'), identitytoken: 'tok' },
      [hubServer]: auth('hub:x'),
      'c.example': {},
    },
  };
  assert.deepEqual(await findCredentials(config, 'a.example'), { username: 'joe', password: 'pass:word' });
  assert.deepEqual(await findCredentials(config, 'b.example'), { identitytoken: 'tok' });
  assert.deepEqual(await findCredentials(config, 'docker.io'), { username: 'hub', password: 'x' });
  assert.equal(await findCredentials(config, 'c.example'), undefined);
  assert.equal(await findCredentials(config, 'example'), undefined);
});

test('registryAuth() is a padded base64url header, or nothing', async () => {
  await using directory = await openDirectory();
  const env = { DOCKER_CONFIG: directory.path };
  assert.equal(await registryAuth('a.example', env), undefined);
  await writeFile(configPath(env), JSON.stringify({ auths: { 'a.example': auth('joe:secret') } }));
  const header = (await registryAuth('a.example', env)) ?? '';
  assert.equal(header.length % 4, 0);
  assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url').toString()), {
    username: 'joe',
    password: 'secret',
    serveraddress: 'a.example',
  });
  assert.match(encodeAuth({ password: '\u00ff\u00fe?>' }), /^[\w=-]+$/);
});

test('storeLogin() keeps what else stands in the file, through a link, readable by its owner only', async () => {
  await using directory = await openDirectory();
  const real = join(directory.path, 'real.json');
  const path = join(directory.path, 'config.json');
  await writeFile(real, JSON.stringify({ HttpHeaders: { A: 'b' }, auths: { 'old.example': auth('a:b') } }), {
    mode: 0o644,
  });
  await symlink('real.json', path);
  assert.equal(await storeLogin(path, 'new.example', { username: 'joe', password: 'secret' }), 'file');
  assert.deepEqual(JSON.parse(await readFile(real, 'utf8')), {
    HttpHeaders: { A: 'b' },
    auths: { 'old.example': auth('a:b'), 'new.example': auth('joe:secret') },
  });
  assert.equal((await stat(real)).mode & 0o777, 0o600);
  assert.deepEqual((await readdir(directory.path)).sort(), ['config.json', 'real.json']);
  assert.equal(await eraseLogin(path, 'https://new.example/'), true);
  assert.equal(await eraseLogin(path, 'new.example'), false);
  assert.deepEqual(Object.keys((await readDockerConfig(path)).auths ?? {}), ['old.example']);
});

test('readDockerConfig() refuses a file that it cannot read, rather than overwrite it', async () => {
  await using directory = await openDirectory();
  const path = join(directory.path, 'config.json');
  for (const content of ['{"auths":', '[]', 'null']) {
    await writeFile(path, content);
    await assert.rejects(storeLogin(path, 'a.example', { username: 'a', password: 'b' }), {
      kind: 'failed-precondition',
      message: /^Cannot read /,
    });
    assert.equal(await readFile(path, 'utf8'), content);
  }
});

test('credential helpers get, store and erase through their standard input', async (context) => {
  await using directory = await openDirectory();
  const log = join(directory.path, 'log');
  const script = `#!/bin/sh\nread -r input || true\necho "$1 $input" >> "${log}"\ncase "$1 $input" in\n"get known.example") echo '{"ServerURL":"","Username":"joe","Secret":"s3"}';;\n"get token.example") echo '{"Username":"<token>","Secret":"tok"}';;\n"get odd.example") echo '{}';;\nget*) echo 'credentials not found in native keychain'; exit 1;;\nesac\n`;
  const helper = join(directory.path, 'docker-credential-test');
  await writeFile(helper, script);
  await chmod(helper, 0o755);
  const { PATH } = process.env;
  process.env['PATH'] = `${directory.path}:${PATH}`;
  context.after(() => (process.env['PATH'] = PATH));
  const config = { credsStore: 'test' };
  assert.deepEqual(await findCredentials(config, 'known.example'), { username: 'joe', password: 's3' });
  assert.deepEqual(await findCredentials(config, 'token.example'), { identitytoken: 'tok' });
  assert.equal(await findCredentials(config, 'other.example'), undefined);
  await assert.rejects(findCredentials(config, 'odd.example'), /has no Username and Secret/);
  await assert.rejects(findCredentials({ credHelpers: { 'a.example': '../evil' } }, 'a.example'), /is no plain name/);
  await assert.rejects(
    findCredentials({ credsStore: 'missing' }, 'a.example'),
    /Cannot run "docker-credential-missing"/,
  );
  const path = join(directory.path, 'config.json');
  await writeFile(path, JSON.stringify(config));
  assert.equal(await storeLogin(path, 'a.example', { username: 'joe', password: 'secret' }), 'helper');
  assert.deepEqual(await readDockerConfig(path), { credsStore: 'test', auths: { 'a.example': {} } });
  assert.equal(await eraseLogin(path, 'a.example'), true);
  const lines = (await readFile(log, 'utf8')).trim().split('\n').slice(-2);
  assert.deepEqual(lines, ['store {"ServerURL":"a.example","Username":"joe","Secret":"secret"}', 'erase a.example']);
});
