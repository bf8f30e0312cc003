import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountFlags as flag, parseMountOptions, planMount } from '#/linux/mount-options.ts';

test('parseMountOptions() sorts words into flags, propagation and data', () => {
  assert.deepEqual(parseMountOptions(['ro', 'nosuid', 'rslave', 'lowerdir=/a:/b', 'index=off', 'relatime']), {
    flags: flag.readOnly | flag.noSuid | flag.relAtime,
    propagation: [flag.slave | flag.recursive],
    data: ['lowerdir=/a:/b', 'index=off'],
  });
});

test('parseMountOptions() lets a later word win and drops what is meant for mount(8)', () => {
  const words = ['ro', 'rw', 'nodev', 'dev', 'defaults', 'x-systemd.automount', '_netdev', 'nofail', 'constructor'];
  assert.deepEqual(parseMountOptions(words), { flags: 0, propagation: [], data: ['constructor'] });
});

test('parseMountOptions() refuses a loop device, which it would not set up', () => {
  assert.throws(() => parseMountOptions(['loop']), { kind: 'unimplemented' });
});

test('planMount() remounts a bind that has flags, then sets propagation', () => {
  const calls = planMount({ type: 'bind', source: '/s', options: ['rbind', 'ro', 'nosuid', 'rprivate'] });
  assert.deepEqual(
    calls.map(({ flags }) => flags),
    [flag.bind | flag.recursive, flag.bind | flag.remount | flag.readOnly | flag.noSuid, flag.private | flag.recursive],
  );
  assert(calls.every(({ type, data }) => type === '' && data === ''));
});

test('planMount() makes one call of a plain bind, of a remount and of propagation alone', () => {
  const flagsOf = (type: string, ...options: string[]): number[] =>
    planMount({ type, source: '/s', options }).map(({ flags }) => flags);
  assert.deepEqual(flagsOf('bind', 'rw'), [flag.bind]);
  assert.deepEqual(flagsOf('rbind'), [flag.bind | flag.recursive]);
  assert.deepEqual(flagsOf('', 'bind', 'remount', 'ro'), [flag.bind | flag.remount | flag.readOnly]);
  assert.deepEqual(flagsOf('none', 'rshared'), [flag.shared | flag.recursive]);
  assert.deepEqual(flagsOf('tmpfs', 'rshared', 'size=4k'), [0, flag.shared | flag.recursive]);
});

test('planMount() leaves a short overlay as it is', () => {
  const options = ['lowerdir=/l/1:/l/2', 'upperdir=/u', 'workdir=/w'];
  assert.deepEqual(planMount({ type: 'overlay', source: 'overlay', options }), [
    { source: 'overlay', type: 'overlay', flags: 0, data: options.join(','), directory: '' },
  ]);
});

const root = '/var/lib/berth/io.containerd.snapshotter.v1.overlayfs/snap:shots'.replaceAll(':', '\\:');

test('planMount() takes the shared directory of long lower layers as where it starts', () => {
  const layers = Array.from({ length: 128 }, (_, at) => `${root}/${100 + at}/fs`);
  const options = ['index=off', `lowerdir=${layers.join(':')}`, 'upperdir=/u', 'workdir=/w'];
  const [call, ...rest] = planMount({ type: 'overlay', source: 'overlay', options });
  assert(call !== undefined && rest.length === 0);
  assert.equal(call.directory, root.replaceAll('\\', ''));
  assert.match(call.data, /^index=off,lowerdir=100\/fs:101\/fs:.*:227\/fs,upperdir=\/u,workdir=\/w$/);
});

test('planMount() refuses options that no shortening fits into a page', () => {
  const layers = Array.from({ length: 128 }, (_, at) => `/${at}${'x'.repeat(60)}/fs`);
  const wish = { type: 'overlay', source: 'overlay', options: [`lowerdir=${layers.join(':')}`] };
  assert.throws(() => planMount(wish), { kind: 'resource-exhausted', message: /the kernel takes 4095/ });
  assert.throws(() => planMount({ type: 'tmpfs', source: 'tmpfs', options: ['a'.repeat(4096)] }), {
    kind: 'resource-exhausted',
  });
});
