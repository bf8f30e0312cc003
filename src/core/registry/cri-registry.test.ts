import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCriRegistry, criCredentials, criHosts, type CriRegistry } from '#/core/registry/cri-registry.ts';

const summary = (section: CriRegistry, domain: string): unknown =>
  criHosts(section, domain)?.map(({ root, scheme, upstream }) => `${scheme} ${root.href}${upstream ? ' itself' : ''}`);

test('criHosts() asks the mirrors of a host, else those of "*", and then the registry itself', () => {
  const mirrors = {
    'docker.io': { endpoint: ['https://hub.example', 'mirror.example:5000', 'localhost:5001'] },
    '*': { endpoint: ['http://any.example/v2/proxy'] },
  };
  assert.deepEqual(summary({ mirrors }, 'docker.io'), [
    'https https://hub.example/v2',
    'https https://mirror.example:5000/v2',
    'http http://localhost:5001/v2',
    'https https://registry-1.docker.io/v2 itself',
  ]);
  assert.deepEqual(summary({ mirrors }, 'ghcr.io'), [
    'http http://any.example/v2/proxy',
    'https https://ghcr.io/v2 itself',
  ]);
  assert.equal(summary({ mirrors: { 'docker.io': {} } }, 'ghcr.io'), undefined);
});

test('criHosts() does not ask the registry itself twice, and keeps pushing to it', () => {
  const section = { mirrors: { 'reg.example': { endpoint: ['http://reg.example'] } } };
  assert.deepEqual(summary(section, 'reg.example'), ['http http://reg.example/v2 itself']);
  assert(criHosts(section, 'reg.example')?.[0]?.capabilities.includes('push'));
  const mirrored = criHosts({ mirrors: { 'reg.example': { endpoint: ['m.example'] } } }, 'reg.example');
  assert.deepEqual(
    mirrored?.map(({ capabilities }) => capabilities.includes('push')),
    [false, true],
  );
});

test('criHosts() takes TLS by the host of an endpoint', () => {
  const section: CriRegistry = {
    mirrors: { 'docker.io': { endpoint: ['https://m.example:5000'] } },
    configs: {
      'm.example:5000': { tls: { ca_file: '/ca', cert_file: '/cert', key_file: '/key' } },
      'own.example': { tls: { insecure_skip_verify: true } },
    },
  };
  assert.deepEqual(criHosts(section, 'docker.io')?.[0]?.tls, { ca: ['/ca'], client: [{ cert: '/cert', key: '/key' }] });
  assert.deepEqual(criHosts(section, 'own.example')?.[0]?.tls, { skipVerify: true });
});

test('criCredentials() reads user and password, both in base64, and identity tokens, from configs and auths', () => {
  const auth = Buffer.from('bob:p:w\0\0').toString('base64');
  const section: CriRegistry = {
    configs: { a: { auth: { username: 'ann', password: 'pw' } }, b: { auth: { auth } }, e: { auth: {} } },
    auths: { 'https://c:5000/v1/': { identitytoken: 'refresh' }, d: { username: 'dan', password: '' } },
  };
  assert.deepEqual(criCredentials(section, 'a'), { username: 'ann', password: 'pw' });
  assert.deepEqual(criCredentials(section, 'b'), { username: 'bob', password: 'p:w' });
  assert.deepEqual(criCredentials(section, 'c:5000'), { identityToken: 'refresh' });
  assert.deepEqual(criCredentials(section, 'd'), { username: 'dan', password: '' });
  assert.equal(criCredentials(section, 'e'), undefined);
  assert.throws(() => criCredentials({ configs: { a: { auth: { auth: '!!' } } } }, 'a'), {
    message: /configuration's login for "a": its "auth" is not/,
  });
});

test('checkCriRegistry() refuses config_path together with what it replaces', () => {
  const kind = 'invalid-argument';
  const config_path = '/certs.d';
  assert.throws(() => checkCriRegistry({ config_path, mirrors: { x: {} } }), { kind, message: /registry\.mirrors/ });
  assert.throws(() => checkCriRegistry({ config_path, configs: { x: { tls: {} } } }), { kind, message: /tls/ });
  checkCriRegistry({ config_path, configs: { x: { auth: {} } }, mirrors: {} });
  checkCriRegistry({ config_path: '', mirrors: { x: {} } });
});
