import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allCapabilities, defaultCapabilities, selectCapabilities } from '#/oci/capabilities.ts';
import { makeSpec, type SpecOptions } from '#/core/containers/make-spec.ts';

const plain: SpecOptions = {
  args: ['sh'],
  env: ['PATH=/bin'],
  cwd: '/',
  user: { uid: 0, gid: 0 },
  terminal: false,
  hostname: 'box',
  readonlyRootfs: false,
  privileged: false,
  noNewPrivileges: false,
  capAdd: [],
  capDrop: [],
  rlimits: [],
  sysctls: {},
  shmSize: 1024,
  network: 'none',
  pid: 'private',
  ipc: 'private',
  uts: 'private',
  cgroupns: 'host',
  mounts: [],
  resources: {},
  cgroupsPath: '/berth/x',
  annotations: {},
  host: {
    capabilities: allCapabilities,
    devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 }],
  },
};

const namespaces = (options: Partial<SpecOptions>): string[] =>
  makeSpec({ ...plain, ...options }).linux.namespaces.map(({ type }) => type);

test('makeSpec() gives a container its own namespaces but those it shares', () => {
  assert.deepEqual(namespaces({}), ['mount', 'pid', 'ipc', 'uts', 'network']);
  assert.deepEqual(namespaces({ network: 'host', pid: 'host', uts: 'host', ipc: 'host' }), ['mount']);
  assert.deepEqual(namespaces({ cgroupns: 'private' }), ['mount', 'pid', 'ipc', 'uts', 'network', 'cgroup']);
});

test('makeSpec() sets no hostname where the host has the say', () => {
  assert.equal(makeSpec(plain).hostname, 'box');
  assert.equal(makeSpec({ ...plain, uts: 'host' }).hostname, undefined);
});

test('makeSpec() gives only root capabilities that take effect', () => {
  const root = makeSpec(plain).process.capabilities;
  assert.deepEqual(
    root.effective,
    allCapabilities.filter((name) => defaultCapabilities.includes(name)),
  );
  const other = makeSpec({ ...plain, user: { uid: 1, gid: 1 } }).process.capabilities;
  assert.deepEqual(other.effective, []);
  assert.deepEqual(other.bounding, root.bounding);
});

test('makeSpec() hides what leaks the host, unless privileged, which gets its devices', () => {
  const { linux } = makeSpec(plain);
  assert(linux.maskedPaths?.includes('/proc/kcore'));
  assert.deepEqual(linux.resources.devices?.[0], { allow: false, access: 'rwm' });
  const privileged = makeSpec({ ...plain, privileged: true });
  assert.equal(privileged.linux.maskedPaths, undefined);
  assert.deepEqual(privileged.linux.devices, plain.host.devices);
  assert.deepEqual(privileged.linux.resources.devices, [{ allow: true, access: 'rwm' }]);
  assert.deepEqual(privileged.process.capabilities.effective, allCapabilities);
});

test('makeSpec() puts mounts behind the ones they lie in, and a later one in the place of an earlier', () => {
  const { mounts } = makeSpec({
    ...plain,
    mounts: [
      { destination: '/dev/shm', type: 'bind', source: '/x', options: [] },
      { destination: '/a/b/c', type: 'bind', source: '/x', options: [] },
      { destination: '/a', type: 'bind', source: '/y', options: [] },
    ],
  });
  const places = mounts.map(({ destination }) => destination);
  assert(places.indexOf('/a') < places.indexOf('/a/b/c'));
  assert.deepEqual(
    mounts.filter(({ destination }) => destination === '/dev/shm').map(({ source }) => source),
    ['/x'],
  );
});

test('selectCapabilities() adds and drops by any spelling, ALL included', () => {
  const select = (add: string[], drop: string[]): string[] =>
    selectCapabilities({ add, drop, privileged: false, present: allCapabilities });
  assert(select(['net_admin'], []).includes('CAP_NET_ADMIN'));
  assert(!select([], ['CAP_CHOWN']).includes('CAP_CHOWN'));
  assert.deepEqual(select(['CHOWN'], ['all']), ['CAP_CHOWN']);
  assert.deepEqual(select(['ALL'], []), allCapabilities);
  assert.throws(() => select(['FLY'], []), { kind: 'invalid-argument' });
});
