import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registryConfig } from '#/api/docker/system/registry-config.ts';

test('registryConfig() tells hosts and blocks of addresses apart, as docker does', () => {
  const insecure = ['reg.example:5000', '10.0.0.0/8'];
  assert.deepEqual(registryConfig({ insecure, hubMirrors: ['https://hub.example'] }), {
    InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', '10.0.0.0/8'],
    IndexConfigs: {
      'docker.io': { Name: 'docker.io', Mirrors: ['https://hub.example'], Secure: true, Official: true },
      'reg.example:5000': { Name: 'reg.example:5000', Mirrors: [], Secure: false, Official: false },
    },
    Mirrors: ['https://hub.example'],
  });
});
