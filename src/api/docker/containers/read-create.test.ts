import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCreateBody } from '#/api/docker/containers/read-create.ts';

const refused = (body: object, message: RegExp, kind = 'unimplemented'): void => {
  assert.throws(() => readCreateBody(body), { kind, message }, JSON.stringify(body));
};

test('readCreateBody() reads what docker run sends', () => {
  const { config, hostConfig } = readCreateBody({
    Image: 'busybox',
    Cmd: ['sh', '-c', 'true'],
    Entrypoint: null,
    Env: null,
    Tty: true,
    Healthcheck: {},
    HostConfig: {
      Binds: ['/a:/b'],
      NetworkMode: 'host',
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
      LogConfig: { Type: '', Config: {} },
      PidsLimit: null,
      MaskedPaths: null,
      PortBindings: {},
      Memory: 6291456,
    },
    NetworkingConfig: { EndpointsConfig: { host: { IPAMConfig: null, Aliases: null, MacAddress: '' } } },
  });
  assert.deepEqual(config.Cmd, ['sh', '-c', 'true']);
  assert.equal(config.Tty, true);
  assert.equal(hostConfig.NetworkMode, 'host');
  assert.equal(hostConfig.Memory, 6291456);
  assert.equal(hostConfig.LogConfig.Type, 'json-file');
  assert.equal(hostConfig.MemorySwappiness, -1);
});

test('readCreateBody() refuses by name what berth has not yet', () => {
  refused({ HostConfig: { NetworkMode: 'bridge' } }, /network "bridge"/);
  refused({ HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '80' }] } } }, /published ports/);
  refused({ HostConfig: { RestartPolicy: { Name: 'always' } } }, /restart policy "always"/);
  refused({ HostConfig: { Init: true } }, /init process/);
  refused({ HostConfig: { Devices: [{ PathOnHost: '/dev/fuse' }] } }, /devices/);
  refused({ HostConfig: { Mounts: [{ Type: 'volume', Target: '/v' }] } }, /type "volume"/);
  refused({ HostConfig: { SecurityOpt: ['seccomp=/p.json'] } }, /security option/);
  refused({ Volumes: { '/data': {} } }, /volumes/);
  refused({ Healthcheck: { Test: ['CMD', 'true'] } }, /health check/);
  refused({ MacAddress: '02:00:00:00:00:01' }, /MacAddress/);
  refused({ NetworkingConfig: { EndpointsConfig: { web: {} } } }, /network "web"/);
  refused({ HostConfig: { SomethingNew: [1] } }, /SomethingNew/);
});

test('readCreateBody() refuses values of the wrong type or out of bounds', () => {
  refused({ Env: 'A=1', Cmd: [1] }, /list of texts/, 'invalid-argument');
  refused({ Hostname: 5 }, /Config\.Hostname should be a text/, 'invalid-argument');
  refused({ Image: 'a\0b' }, /NUL/, 'invalid-argument');
  refused({ HostConfig: { Memory: 5 } }, /6MB/, 'invalid-argument');
  refused({ HostConfig: { CpuShares: -1 } }, /at least 0/, 'invalid-argument');
  refused({ HostConfig: { CgroupParent: '/a/../..' } }, /cgroup parent/, 'invalid-argument');
  refused({ HostConfig: { LogConfig: { Type: 'gelf' } } }, /log driver "gelf"/, 'invalid-argument');
  refused({ WorkingDir: 'here' }, /absolute/, 'invalid-argument');
});
