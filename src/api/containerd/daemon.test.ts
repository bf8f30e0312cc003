import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { lstat } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { openShimEvents } from '#/api/containerd/open-shim-events.ts';
import { openContainerdApi } from '#/api/containerd/open-containerd-api.ts';
import { openApi } from '#/api/containerd/open-api.suite.ts';
import type { TypedValue } from '#/base/any.ts';
import type { Tasks } from '#/core/tasks/contract.ts';
import { OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import type { PluginInfoResponse } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import { Introspection } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import { Version } from '#/gen/containerd/services/version/v1/version_pb.ts';
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from '#/gen/grpc/health/v1/health_pb.ts';
import { RuntimeInfoSchema, RuntimeRequestSchema } from '#/gen/containerd/types/introspection_pb.ts';
import { anyOfValue, findAnyOfValue, packMessage } from '#/rpc/any.ts';

const run = promisify(execFile);

test('Version, Health and Server say who is there', async () => {
  await using rig = await openApi();
  const { version, revision } = await rig.client.unary(Version.method.version, {});
  assert.deepEqual([version, revision], ['v2.0.0-test', 'abc']);
  const { status } = await rig.client.unary(Health.method.check, {});
  assert.equal(status, ServingStatus.SERVING);
  await assert.rejects(rig.client.unary(Health.method.check, { service: 'x' }), { kind: 'not-found' });
  for await (const { status: watched } of rig.client.serverStream(Health.method.watch, {})) {
    assert.equal(watched, ServingStatus.SERVING);
    break;
  }
  const server = await rig.client.unary(Introspection.method.server, {});
  assert.equal(server.uuid, rig.core.identity.uuid);
  assert.equal(server.pid, BigInt(process.pid));
  assert(server.pidns > 0n);
});

test('Plugins lists what clients look for, by filters with blanks', async () => {
  await using rig = await openApi();
  const list = async (...filters: string[]): Promise<string[]> =>
    (await rig.client.unary(Introspection.method.plugins, { filters })).plugins.map(({ type, id }) => `${type}/${id}`);
  assert.deepEqual(await list('type==io.containerd.runtime.v1', 'type==io.containerd.runtime.v2'), [
    'io.containerd.runtime.v2/task',
  ]);
  assert.deepEqual(await list('type==io.containerd.differ.v1, id==walking'), ['io.containerd.differ.v1/walking']);
  const grpc = await list('type==io.containerd.grpc.v1');
  for (const id of ['tasks', 'content', 'images', 'snapshots', 'introspection', 'healthcheck', 'version'])
    assert(grpc.includes(`io.containerd.grpc.v1/${id}`), id);
  const { plugins } = await rig.client.unary(Introspection.method.plugins, { filters: ['id==task'] });
  assert.equal(plugins[0]?.platforms[0]?.os, 'linux');
  assert((await list()).length > 10);
  await assert.rejects(rig.client.unary(Introspection.method.pluginInfo, { type: 'a', id: 'b' }), {
    kind: 'not-found',
  });
});

test('PluginInfo asks a runtime about itself, and says what it cannot ask', async () => {
  const asked: unknown[] = [];
  const info = packMessage(RuntimeInfoSchema, { name: 'io.containerd.runc.v2' });
  const tasks: Partial<Tasks> = {
    runtimeInfo: async (runtime, options) => {
      asked.push([runtime, options?.typeUrl]);
      return info;
    },
  };
  await using rig = await openApi({ tasks: tasks as Tasks });
  const ask = (type: string, id: string, options?: TypedValue): Promise<PluginInfoResponse> => {
    const wanted = findAnyOfValue(options);
    const request = { type, id, ...(wanted === undefined ? {} : { options: wanted }) };
    return rig.client.unary(Introspection.method.pluginInfo, request);
  };
  const options = anyOfValue(packMessage(OptionsSchema, { binaryName: 'runc' }));
  const question = packMessage(RuntimeRequestSchema, { runtimePath: 'io.containerd.runc.v2', options });
  const answer = await ask('io.containerd.runtime.v2', 'task', question);
  assert.equal(answer.plugin?.id, 'task');
  assert.deepEqual(
    [answer.extra?.typeUrl, Buffer.from(answer.extra?.value ?? [])],
    [info.typeUrl, Buffer.from(info.value)],
  );
  assert.deepEqual(asked, [['io.containerd.runc.v2', 'containerd.runc.v1.Options']]);
  assert.equal((await ask('io.containerd.content.v1', 'content')).extra, undefined);
  await assert.rejects(ask('io.containerd.content.v1', 'content', question), { kind: 'unimplemented' });
  await assert.rejects(ask('io.containerd.runtime.v2', 'task', info), { kind: 'unimplemented' });
  await assert.rejects(ask('io.containerd.runtime.v2', 'none'), { kind: 'not-found' });
});

test('both sockets belong to owner and group, and a second daemon on them is refused', async () => {
  await using rig = await openApi();
  for (const path of [rig.address, `${rig.address}.ttrpc`]) {
    const { mode } = await lstat(path);
    assert.equal(mode & 0o777, 0o660);
  }
  const { core, address } = rig;
  await assert.rejects(openContainerdApi({ core, listen: [{ path: address }] }), { kind: 'already-exists' });
  await assert.rejects(openShimEvents({ listen: [{ path: `${address}.ttrpc` }], logger: core.logger }), {
    kind: 'already-exists',
  });
});

test('the real ctr reads version, namespaces, plugins, content and leases', async () => {
  await using rig = await openApi();
  const ctr = async (...args: string[]): Promise<string> =>
    (await run('ctr', ['--address', rig.address, ...args], { timeout: 20_000 })).stdout;
  assert.match(await ctr('version'), /Server:\s+Version:\s+v2\.0\.0-test\s+Revision:\s+abc\s+UUID: 1111/);
  await ctr('namespaces', 'create', 'green', 'k=v');
  assert.match(await ctr('namespaces', 'ls'), /green\s+k=v/);
  assert.match(await ctr('plugins', 'ls'), /io\.containerd\.runtime\.v2\s+task\s+linux\/\w+\s+ok/);
  assert.match(await ctr('-n', 'green', 'leases', 'create', '--id', 'mine'), /mine/);
  assert.match(await ctr('-n', 'green', 'leases', 'ls'), /^mine /m);
  assert.match(await ctr('-n', 'green', 'content', 'ls'), /DIGEST/);
  assert.match(await ctr('-n', 'green', 'containers', 'ls'), /CONTAINER/);
  await assert.rejects(ctr('-n', 'green', 'containers', 'info', 'nobody'), /not found/);
});
