import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { containerFlags, planContainer, type ContainerFlags, type ContainerPlan } from '#/cli/container-flags.ts';
import { parseFlags } from '#/cli/parse-flags.ts';

async function plan(words: string, detach = false): Promise<ContainerPlan> {
  const { values, rest } = parseFlags(words.split(' '), containerFlags, { stopAtFirst: true });
  return planContainer({ flags: values as unknown as ContainerFlags, args: rest, detach, env: { HOME: '/root' } });
}

test('planContainer() leaves to the image what was not said', async () => {
  const { config, pull, name } = await plan('busybox');
  assert.equal(config.Image, 'busybox');
  assert.equal(name, undefined);
  assert.equal(pull, 'missing');
  for (const key of ['Cmd', 'Entrypoint', 'User', 'WorkingDir', 'Hostname', 'Volumes']) assert(!(key in config), key);
  for (const key of ['NetworkMode', 'Memory', 'NanoCpus', 'PidsLimit', 'Init'])
    assert(!(key in (config.HostConfig ?? {})), key);
});

test('planContainer() puts every flag where the API wants it', async () => {
  const { config, name, platform, quiet } = await plan(
    '-it --rm --name a -e A=1 -e HOME -w /w -u 1:2 -v /x:/y:ro -v /data --entrypoint sh --network none -h h -l a=b --read-only ' +
      '--privileged --cap-add NET_ADMIN --cap-drop ALL --pull never --platform linux/arm64 -q -m 64m --cpus 0.5 --pids-limit 9 ' +
      '--stop-signal INT --stop-timeout 3 --init busybox -c ls -l',
  );
  const { HostConfig: host, ...rest } = config;
  assert.deepEqual({ name, platform, quiet }, { name: 'a', platform: 'linux/arm64', quiet: true });
  assert.deepEqual(rest, {
    Image: 'busybox',
    Cmd: ['-c', 'ls', '-l'],
    Entrypoint: ['sh'],
    Env: ['A=1', 'HOME=/root'],
    Labels: { a: 'b' },
    Tty: true,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Hostname: 'h',
    User: '1:2',
    WorkingDir: '/w',
    StopSignal: 'INT',
    StopTimeout: 3,
    Volumes: { '/data': {} },
  });
  assert.deepEqual(host, {
    Binds: ['/x:/y:ro'],
    AutoRemove: true,
    Privileged: true,
    ReadonlyRootfs: true,
    CapAdd: ['NET_ADMIN'],
    CapDrop: ['ALL'],
    NetworkMode: 'none',
    PidsLimit: 9,
    Memory: 64 * 1024 ** 2,
    NanoCpus: 500_000_000,
    Init: true,
  });
});

test('planContainer() attaches nothing when detached, and keeps standard input open if told so', async () => {
  const { config } = await plan('-i busybox', true);
  assert.deepEqual(
    [config.OpenStdin, config.StdinOnce, config.AttachStdin, config.AttachStdout, config.AttachStderr],
    [true, false, false, false, false],
  );
});

test('planContainer() attaches to the streams that -a names', async () => {
  const { config } = await plan('-a stdout -a STDIN busybox');
  assert.deepEqual([config.AttachStdin, config.AttachStdout, config.AttachStderr], [true, true, false]);
});

test('planContainer() resets the entrypoint when it is empty, and resolves paths from here', async () => {
  const { config } = await plan('--entrypoint= -v ./src:/src busybox');
  assert.deepEqual(config.Entrypoint, ['']);
  assert.deepEqual(config.HostConfig?.Binds, [`${resolve('./src')}:/src`]);
});

const refused: readonly (readonly [string, RegExp])[] = [
  ['-a stdlog busybox', /"--attach" takes stdin, stdout or stderr/],
  ['-v a:b:c:d busybox', /"a:b:c:d" is no volume/],
  ['-v :/b busybox', /is no volume/],
  ['--pull sometimes busybox', /"--pull" is always, missing or never/],
  ['-m lots busybox', /"--memory" needs a size/],
  ['--cpus=-1 busybox', /"--cpus" needs a number/],
];

for (const [words, message] of refused)
  test(`planContainer() refuses ${words}`, async () => {
    await assert.rejects(plan(words), { name: 'UsageError', message });
  });

test('planContainer() refuses to attach and detach at once', async () => {
  await assert.rejects(plan('-a stdout busybox', true), /exclude each other/);
});
