import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inNamespace, openApi } from '#/api/containerd/open-api.suite.ts';
import { EngineError } from '#/base/errors.ts';
import type { CreateTask, ExecTask, ProcessKey, ProcessState, Tasks as CoreTasks } from '#/core/tasks/contract.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';
import { jsonTypeUrls } from '#/rpc/any.ts';

const blue = inNamespace('blue');
const state: ProcessState = {
  id: 'web',
  execId: '',
  pid: 12,
  status: 'running',
  stdio: { terminal: false, stdin: '', stdout: '/fifo/out', stderr: '/fifo/err' },
  exitStatus: 0,
  exitedAt: 0n,
  bundle: '/bundle',
};

/** The translation alone is tested here, against what the contract says; shims and runc are in test/peers. */
const openWith = (tasks: Partial<CoreTasks>): ReturnType<typeof openApi> => openApi({ tasks: tasks as CoreTasks });

test('Create passes mounts, stdio and options on; an Any without a value is none', async () => {
  const created: CreateTask[] = [];
  await using rig = await openWith({
    create: async (_namespace, _id, task) => {
      const { signal, ...rest } = task;
      assert.equal(signal?.aborted, false);
      created.push(rest);
      return { pid: 7 };
    },
  });
  const create = Tasks.method.create;
  const rootfs = [{ type: 'bind', source: '/x', options: ['ro'] }];
  const stdio = { stdin: 'in', stdout: 'out', stderr: 'err' };
  const options = { typeUrl: 'containerd.runc.v1.Options', value: Buffer.from([8, 1]) };
  const answer = await rig.client.unary(
    create,
    { containerId: 'web', rootfs, ...stdio, options, runtimePath: '/r' },
    blue,
  );
  assert.deepEqual([answer.containerId, answer.pid], ['web', 7]);
  const empty = { typeUrl: options.typeUrl };
  await rig.client.unary(create, { containerId: 'web', terminal: true, ...stdio, options: empty }, blue);
  const [first, second] = created;
  assert.deepEqual(first?.rootfs, rootfs);
  assert.deepEqual(first?.stdio, { terminal: false, ...stdio });
  assert.deepEqual(
    [first?.options?.typeUrl, Buffer.from(first?.options?.value ?? [])],
    [options.typeUrl, options.value],
  );
  assert.equal(first?.runtimePath, '/r');
  assert.deepEqual(second, { rootfs: [], stdio: { terminal: true, ...stdio, stderr: '' } });
  const sub = { type: 'bind', source: '/x', target: 'sub', options: [] };
  await rig.client.unary(create, { containerId: 'web', rootfs: [sub] }, blue);
  assert.deepEqual(created[2]?.rootfs, [sub]);
});

test('Get and List give states as clients know them: exec ids, never-exited as Go’s zero time', async () => {
  const exec: ProcessState = { ...state, execId: 'e1', status: 'stopped', exitStatus: 3, exitedAt: 1_500_000_000n };
  await using rig = await openWith({
    state: async ({ execId }) => (execId === 'e1' ? exec : state),
    list: async () => [state],
  });
  const { process } = await rig.client.unary(Tasks.method.get, { containerId: 'web' }, blue);
  assert.deepEqual(
    [process?.id, process?.pid, process?.status, process?.stdout],
    ['web', 12, Status.RUNNING, '/fifo/out'],
  );
  assert.deepEqual([process?.containerId, process?.exitedAt?.seconds], ['', -62_135_596_800n]);
  const other = await rig.client.unary(Tasks.method.get, { containerId: 'web', execId: 'e1' }, blue);
  assert.deepEqual([other.process?.id, other.process?.status, other.process?.exitStatus], ['e1', Status.STOPPED, 3]);
  assert.deepEqual([other.process?.exitedAt?.seconds, other.process?.exitedAt?.nanos], [1n, 500_000_000]);
  const { tasks } = await rig.client.unary(Tasks.method.list, {}, blue);
  assert.deepEqual(
    tasks.map(({ id }) => id),
    ['web'],
  );
});

test('Exec, Kill, CloseIO and Wait name the process; Exec wants a good id and a spec', async () => {
  const calls: unknown[] = [];
  await using rig = await openWith({
    exec: async (namespace: string, id: string, { execId, process }: ExecTask) =>
      void calls.push(['exec', namespace, id, execId, process.typeUrl]),
    kill: async (key: ProcessKey, signal, options) => void calls.push(['kill', key, signal, options]),
    closeStdin: async (key: ProcessKey) => void calls.push(['close', key]),
    wait: async () => ({ pid: 12, exitStatus: 137, exitedAt: 9n }),
  });
  const { client } = rig;
  const spec = { typeUrl: jsonTypeUrls.process, value: Buffer.from('{}') };
  await client.unary(Tasks.method.exec, { containerId: 'web', execId: 'e1', spec }, blue);
  await client.unary(Tasks.method.kill, { containerId: 'web', execId: 'e1', signal: 9, all: true }, blue);
  await client.unary(Tasks.method.closeIO, { containerId: 'web', stdin: false }, blue);
  await client.unary(Tasks.method.closeIO, { containerId: 'web', stdin: true }, blue);
  assert.deepEqual(calls, [
    ['exec', 'blue', 'web', 'e1', jsonTypeUrls.process],
    ['kill', { namespace: 'blue', id: 'web', execId: 'e1' }, 9, { all: true }],
    ['close', { namespace: 'blue', id: 'web', execId: '' }],
  ]);
  const { exitStatus, exitedAt } = await client.unary(Tasks.method.wait, { containerId: 'web' }, blue);
  assert.deepEqual([exitStatus, exitedAt?.nanos], [137, 9]);
  await assert.rejects(client.unary(Tasks.method.exec, { containerId: 'web', spec }, blue), {
    kind: 'invalid-argument',
  });
  await assert.rejects(client.unary(Tasks.method.exec, { containerId: 'web', execId: 'e2' }, blue), {
    kind: 'invalid-argument',
  });
});

test('Metrics leaves out tasks that do not answer, and filters by id', async () => {
  await using rig = await openWith({
    list: async () => [state, { ...state, id: 'db' }, { ...state, id: 'gone' }],
    stats: async (_namespace, id) => {
      if (id === 'gone') throw new EngineError('unavailable', 'Cannot ask');
      return { timestamp: 5n, id, data: { typeUrl: 'io.containerd.cgroups.v2.Metrics', value: Buffer.from([1]) } };
    },
  });
  const ids = async (...filters: string[]): Promise<string[]> =>
    (await rig.client.unary(Tasks.method.metrics, { filters }, blue)).metrics.map(({ id }) => id);
  assert.deepEqual(await ids(), ['web', 'db']);
  assert.deepEqual(await ids('id==db'), ['db']);
  assert.deepEqual(await ids('namespace==green'), []);
});

test('a task that nobody has keeps its kind', async () => {
  await using rig = await openWith({
    start: async ({ id }) => {
      throw new EngineError('not-found', `Cannot start task "${id}": there is none`);
    },
  });
  await assert.rejects(rig.client.unary(Tasks.method.start, { containerId: 'web' }, blue), { kind: 'not-found' });
  await assert.rejects(rig.client.unary(Tasks.method.checkpoint, { containerId: 'web' }, blue), { kind: 'not-found' });
});
