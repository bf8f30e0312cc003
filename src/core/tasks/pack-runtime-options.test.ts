import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packRuntimeOptions } from '#/core/tasks/pack-runtime-options.ts';
import { OptionsSchema as RuncOptions } from '#/gen/containerd/runc/v1/options_pb.ts';
import { OptionsSchema as OtherOptions } from '#/gen/runtimeoptions/v1/options_pb.ts';
import { unpackMessage } from '#/rpc/any.ts';

const runc = 'io.containerd.runc.v2';

test("packRuntimeOptions() packs runc's options under containerd's names, and nothing when all are empty", () => {
  const packed = packRuntimeOptions(runc, { BinaryName: 'crun', SystemdCgroup: true, IoUid: 7, Root: '' }, '');
  assert(packed !== undefined);
  const { binaryName, systemdCgroup, ioUid, root } = unpackMessage(RuncOptions, packed);
  assert.deepEqual([binaryName, systemdCgroup, ioUid, root], ['crun', true, 7, '']);
  assert.equal(packRuntimeOptions(runc, { BinaryName: '', SystemdCgroup: false, IoUid: 0 }, ''), undefined);
});

test('packRuntimeOptions() hands other shims their file, or the options as TOML', () => {
  const other = (options: Record<string, unknown>, body: string) => {
    const packed = packRuntimeOptions('io.containerd.kata.v2', options, body);
    assert(packed !== undefined);
    return unpackMessage(OtherOptions, packed);
  };
  assert.equal(other({ ConfigPath: '/kata.toml' }, '').configPath, '/kata.toml');
  assert.equal(Buffer.from(other({ a: 1 }, 'a = 1\n').configBody).toString(), 'a = 1\n');
});

test('packRuntimeOptions() refuses what runc’s shim does not know', () => {
  assert.throws(() => packRuntimeOptions(runc, { Binary: 'crun' }, ''), {
    kind: 'invalid-argument',
    message: /"Binary"/,
  });
  assert.throws(() => packRuntimeOptions(runc, { SystemdCgroup: 'yes' }, ''), { message: /expected a boolean/ });
});
