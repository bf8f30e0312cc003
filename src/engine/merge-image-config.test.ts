import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '#/engine/docker-config.ts';
import { commandOf, mergeEnv, mergeImageConfig, processEnv } from '#/engine/merge-image-config.ts';

const silent: Config = {
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: [],
  Cmd: null,
  Entrypoint: null,
  Image: 'app',
  Volumes: null,
  WorkingDir: '',
  Labels: {},
};

const image = {
  Env: ['A=1', 'B=2'],
  Entrypoint: ['/entry'],
  Cmd: ['serve'],
  User: 'web',
  WorkingDir: '/srv',
  Labels: { from: 'image', both: 'image' },
  StopSignal: 'SIGINT',
};

test('mergeImageConfig() takes from the image what the person did not say', () => {
  const merged = mergeImageConfig(silent, image);
  assert.deepEqual(commandOf(merged), ['/entry', 'serve']);
  assert.equal(merged.User, 'web');
  assert.equal(merged.WorkingDir, '/srv');
  assert.equal(merged.StopSignal, 'SIGINT');
});

test('mergeImageConfig() lets the person win, by name for variables and labels', () => {
  const merged = mergeImageConfig(
    { ...silent, Env: ['B=3', 'C=4', 'A'], Labels: { both: 'mine' }, Cmd: ['other'], User: '0' },
    image,
  );
  assert.deepEqual(merged.Env, ['B=3', 'C=4']);
  assert.deepEqual(merged.Labels, { from: 'image', both: 'mine' });
  assert.deepEqual(commandOf(merged), ['/entry', 'other']);
  assert.equal(merged.User, '0');
});

test("mergeImageConfig() with an entrypoint of one's own drops the image's command", () => {
  assert.deepEqual(commandOf(mergeImageConfig({ ...silent, Entrypoint: ['/bin/sh'] }, image)), ['/bin/sh']);
  assert.deepEqual(commandOf(mergeImageConfig({ ...silent, Entrypoint: [''], Cmd: ['ls'] }, image)), ['ls']);
});

test('commandOf() refuses a container with nothing to run', () => {
  assert.throws(() => commandOf(mergeImageConfig(silent, {})), {
    kind: 'invalid-argument',
    message: /no command specified/,
  });
});

test('mergeEnv() keeps values with "=" in them', () => {
  assert.deepEqual(mergeEnv(['A=b=c'], ['D=']), ['A=b=c', 'D=']);
});

test('processEnv() adds PATH, HOSTNAME, HOME and, with a terminal, TERM', () => {
  const env = processEnv({ env: ['X=1'], hostname: 'box', terminal: true, home: '/root' });
  assert.deepEqual(
    env.map((variable) => variable.split('=')[0]),
    ['PATH', 'HOSTNAME', 'TERM', 'X', 'HOME'],
  );
  assert.deepEqual(processEnv({ env: ['PATH=/b', 'HOME=/h'], hostname: 'box', terminal: false, home: '/r' }), [
    'PATH=/b',
    'HOSTNAME=box',
    'HOME=/h',
  ]);
});
