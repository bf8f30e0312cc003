import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { runtimeOptions } from '#/core/tasks/runtime-options.ts';
import { parseShimAnswer } from '#/core/tasks/shim-answer.ts';
import { findShimBinary, isBerthShim } from '#/core/tasks/shim-binary.ts';
import { createShimDialects, dialectOfVersion, encodeGreeting } from '#/core/tasks/shim-dialect.ts';
import { BootstrapParamsSchema, BootstrapResultSchema } from '#/gen/containerd/runtime/bootstrap/v1/bootstrap_pb.ts';
import { OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { packMessage, unpackMessage } from '#/rpc/any.ts';

const address = 'unix:///run/containerd/s/0a';

test('parseShimAnswer() reads all three forms, and refuses what it cannot use', () => {
  const plain = { version: 2, address, protocol: 'ttrpc' };
  assert.deepEqual(parseShimAnswer(Buffer.from(`${address}\n`)), plain);
  assert.deepEqual(parseShimAnswer(Buffer.from(JSON.stringify({ ...plain, version: 3 }))), { ...plain, version: 3 });
  const result = create(BootstrapResultSchema, { ...plain, version: 3 });
  assert.deepEqual(parseShimAnswer(toBinary(BootstrapResultSchema, result)), { ...plain, version: 3 });
  for (const [text, kind] of [
    ['', 'internal'],
    ['{"version":2}', 'internal'],
    ['{"version":2', 'internal'],
    ['tcp://1.2.3.4:5', 'internal'],
    [JSON.stringify({ ...plain, version: 4 }), 'unimplemented'],
    [JSON.stringify({ ...plain, protocol: 'grpc' }), 'unimplemented'],
  ] as const)
    assert.throws(() => parseShimAnswer(Buffer.from(text)), { kind }, text);
});

test('dialectOfVersion() tells shims that want BootstrapParams from those that fail on them', async () => {
  const told = (version: string): string =>
    dialectOfVersion(`containerd-shim-runc-v2:\n  Version:  ${version}\n  Rev: 1\n`);
  for (const version of ['1.6.20~ds1', 'v1.7.27', '2.0.5', 'v2.2.9']) assert.equal(told(version), 'legacy', version);
  for (const version of ['v2.3.0', '2.10.1', '3.0.0', '301026e58c61.m'])
    assert.equal(told(version), 'bootstrap', version);
  assert.equal(dialectOfVersion('no such flag'), 'legacy');
  const installed = await findShimBinary('io.containerd.runc.v2', { directories: [] });
  assert.match(installed, /\/containerd-shim-runc-v2$/);
  assert.equal(await createShimDialects().of(installed), 'legacy');
});

test('encodeGreeting() gives old shims the options alone, and newer ones all they start with', () => {
  const addresses = { socketAddress: '/a', ttrpcAddress: '/b', publishBinary: '/c', directories: [] };
  const key = { namespace: 'ns', id: 'one' };
  const options = packMessage(OptionsSchema, { binaryName: 'crun' });
  assert.equal(encodeGreeting('legacy', { key, addresses, options: undefined }).length, 0);
  const legacy = fromBinary(AnySchema, encodeGreeting('legacy', { key, addresses, options }));
  assert.equal(unpackMessage(OptionsSchema, legacy).binaryName, 'crun');
  const params = fromBinary(BootstrapParamsSchema, encodeGreeting('bootstrap', { key, addresses, options }));
  assert.deepEqual([params.instanceId, params.namespace, params.containerdTtrpcAddress], ['one', 'ns', '/b']);
  assert.equal(params.extensions[0]?.value?.typeUrl, 'containerd.runc.v1.Options');
});

test('runtimeOptions() keeps runc in the state directory unless the options say where', () => {
  const binary = '/usr/bin/containerd-shim-runc-v2';
  const rootOf = (given: Parameters<typeof runtimeOptions>[1]): string => {
    const options = runtimeOptions('/state', given, binary);
    return options === undefined ? '' : unpackMessage(OptionsSchema, options).root;
  };
  assert.equal(rootOf(undefined), '/state/runc');
  assert.equal(rootOf(packMessage(OptionsSchema, { systemdCgroup: true })), '/state/runc');
  assert.equal(rootOf(packMessage(OptionsSchema, { binaryName: '/usr/bin/crun' })), '/state/crun');
  assert.equal(rootOf(packMessage(OptionsSchema, { root: '/elsewhere' })), '/elsewhere');
  assert.equal(runtimeOptions('/state', undefined, '/usr/bin/containerd-shim-kata-v2'), undefined);
  const foreign = { typeUrl: 'runtimeoptions.v1.Options', value: Buffer.from([1]) };
  assert.equal(runtimeOptions('/state', foreign, binary), foreign);
});

test('findShimBinary() refuses names that are paths, and says what is missing', async () => {
  const places = { directories: [] };
  for (const name of ['../evil.v1', 'io.containerd.../x', 'runc', 'a.b/c.d', ''])
    await assert.rejects(findShimBinary(name, places), { kind: 'invalid-argument' }, name);
  await assert.rejects(findShimBinary('/no/such/shim', places), { kind: 'not-found' });
  await assert.rejects(findShimBinary('io.containerd.none.v1', places), {
    kind: 'not-found',
    message: /containerd-shim-none-v1/,
  });
});

test("findShimBinary() finds berth's own shim beside the daemon, and in place of containerd's where that is missing", async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'shims-'));
  const [path, own] = [join(place.path, 'bin'), join(place.path, 'build')];
  const install = async (directory: string, name: string): Promise<string> => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, name), '', { mode: 0o755 });
    return join(directory, name);
  };
  await install(path, 'containerd-shim-berth-v1');
  const ours = await install(own, 'containerd-shim-berth-v1');
  const places = { path, directories: [own] };
  assert.equal(await findShimBinary('io.containerd.berth.v1', places), ours);
  assert.equal(await findShimBinary('io.containerd.runc.v2', places), ours);
  assert.equal(isBerthShim(ours), true);
  const theirs = await install(path, 'containerd-shim-runc-v2');
  assert.equal(await findShimBinary('io.containerd.runc.v2', places), theirs);
  assert.equal(isBerthShim(theirs), false);
  await assert.rejects(findShimBinary('io.containerd.runc.v1', places), { kind: 'not-found' });
});
