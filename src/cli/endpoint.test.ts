import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseEndpoint } from '#/cli/endpoint.ts';

const none = { host: undefined, state: undefined };

test('chooseEndpoint() prefers flags to BERTH_STATE to DOCKER_HOST to the default', () => {
  const env = { BERTH_STATE: '/b', DOCKER_HOST: 'unix:///d.sock' };
  assert.deepEqual(chooseEndpoint({ ...none, host: 'unix:///h.sock' }, env), { socketPath: '/h.sock' });
  assert.deepEqual(chooseEndpoint({ ...none, state: '/s' }, env), {
    socketPath: '/s/docker.sock',
    stateDirectory: '/s',
  });
  assert.deepEqual(chooseEndpoint(none, env), { socketPath: '/b/docker.sock', stateDirectory: '/b' });
  assert.deepEqual(chooseEndpoint(none, { DOCKER_HOST: 'unix:///d.sock', BERTH_STATE: '' }), { socketPath: '/d.sock' });
  assert.deepEqual(chooseEndpoint(none, {}), { socketPath: '/run/berth/docker.sock', stateDirectory: '/run/berth' });
});

test('chooseEndpoint() knows berth’s own socket however it is named', () => {
  assert.equal(chooseEndpoint({ ...none, host: 'unix:///run/berth/docker.sock' }, {}).stateDirectory, '/run/berth');
  assert.equal(chooseEndpoint({ ...none, host: '/a.sock' }, {}).socketPath, '/a.sock');
});

test('chooseEndpoint() refuses what is no unix socket, and two daemons at once', () => {
  for (const host of ['tcp://1.2.3.4:2375', 'ssh://me@there', 'npipe:////./pipe/x'])
    assert.throws(() => chooseEndpoint({ ...none, host }, {}), { name: 'UsageError', message: /unix sockets only/ });
  assert.throws(() => chooseEndpoint(none, { DOCKER_HOST: 'tcp://x' }), { message: /^DOCKER_HOST is "tcp:\/\/x"/ });
  assert.throws(() => chooseEndpoint({ ...none, host: 'unix://relative' }, {}), { message: /absolute path/ });
  assert.throws(() => chooseEndpoint({ host: 'unix:///a', state: '/b' }, {}), { message: /both name a daemon/ });
});
