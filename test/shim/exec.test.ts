import assert from 'node:assert/strict';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { unpackMessage, valueOfAny } from '#/rpc/any.ts';
import { ProcessDetailsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { createTask, execSpec, openShimPlace, startTask, task } from '../support/shim.ts';

test('many processes are added, run at once, tell their statuses, and leave no files when they are deleted', async () => {
  await using shims = await openShimPlace();
  const { id, bundle, shim } = await startTask(shims, ['sleep', '1000']);
  const before = await readdir(bundle.path);
  const outputs = await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const execId = `e${i}`;
      const stdout = await bundle.fifo(`out-${i}`);
      await shim.call(task.exec, {
        id,
        execId,
        stdout: stdout.path,
        spec: execSpec(['sh', '-c', `echo ${i}; exit ${i}`]),
      });
      const waiting = shim.call(task.wait, { id, execId });
      const { pid } = await shim.call(task.start, { id, execId });
      const { exitStatus, exitedAt } = await waiting;
      const state = await shim.call(task.state, { id, execId });
      const record = JSON.parse(await readFile(join(bundle.path, 'exit', execId), 'utf8')) as { pid: number };
      assert.deepEqual([state.id, state.pid, state.status, record.pid], [execId, pid, 3, pid]);
      const deleted = await shim.call(task.delete, { id, execId });
      assert.deepEqual([deleted.pid, deleted.exitStatus, deleted.exitedAt], [pid, exitStatus, exitedAt]);
      return `${await stdout.text}${exitStatus}`;
    }),
  );
  assert.deepEqual(
    outputs,
    Array.from({ length: 12 }, (_, i) => `${i}\n${i}`),
  );
  const left = (await readdir(bundle.path)).filter((name) => !before.includes(name) && !name.startsWith('out-'));
  assert.deepEqual(left, ['exit']);
  assert.deepEqual(await readdir(join(bundle.path, 'exit')), []);
  await shim.call(task.kill, { id, signal: 9 });
  assert.equal((await shim.call(task.wait, { id })).exitStatus, 137);
});

test('Pids says of each process that was added which one it is', async () => {
  await using shims = await openShimPlace();
  const { id, shim, pid: first } = await startTask(shims, ['sleep', '1000']);
  await shim.call(task.exec, { id, execId: 'other', spec: execSpec(['sleep', '1000']) });
  const { pid } = await shim.call(task.start, { id, execId: 'other' });
  const { processes } = await shim.call(task.pids, { id });
  const named = new Map(
    processes.map(({ pid: one, info }) => [
      one,
      info === undefined ? '' : unpackMessage(ProcessDetailsSchema, valueOfAny(info)).execId,
    ]),
  );
  assert.deepEqual(
    named,
    new Map([
      [first, ''],
      [pid, 'other'],
    ]),
  );
});

test('a process that cannot be started says why in the runtime’s words, and can be deleted', async () => {
  await using shims = await openShimPlace();
  const { id, bundle, shim } = await startTask(shims, ['sleep', '1000']);
  await shim.call(task.exec, { id, execId: 'none', spec: execSpec(['nothing-of-that-name']) });
  const waiting = shim.call(task.wait, { id, execId: 'none' });
  await assert.rejects(shim.call(task.start, { id, execId: 'none' }), {
    message: /^OCI runtime exec failed: .*nothing-of-that-name.*executable file not found in \$PATH/,
  });
  assert.equal((await waiting).exitStatus, 0);
  assert.equal((await shim.call(task.state, { id, execId: 'none' })).status, 1);
  await shim.call(task.delete, { id, execId: 'none' });
  await assert.rejects(shim.call(task.state, { id, execId: 'none' }), { kind: 'not-found' });
  const files = await readdir(bundle.path);
  assert.deepEqual(
    files.filter((name) => name.includes('none')),
    [],
  );
});

test('what a process may be added as, and when', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const { id } = bundle;
  const spec = execSpec(['true']);
  await createTask(shims, bundle, shim);
  for (const execId of ['../x', 'a/b', '.hidden', '-flag', 'init', 'x'.repeat(200), 'sp ace'])
    await assert.rejects(shim.call(task.exec, { id, execId, spec }), { kind: 'invalid-argument' }, execId);
  for (const value of ['', '[]', '{', 'null', '{"a":1}{', '"terminal"', '{"a":'.repeat(100)])
    await assert.rejects(
      shim.call(task.exec, { id, execId: 'bad', spec: { typeUrl: spec.typeUrl, value: Buffer.from(value) } }),
      { kind: 'invalid-argument' },
      value,
    );
  await shim.call(task.exec, { id, execId: 'same', spec });
  await assert.rejects(shim.call(task.exec, { id, execId: 'same', spec }), { kind: 'already-exists' });
  await assert.rejects(shim.call(task.kill, { id, execId: 'same', signal: 9 }), { kind: 'failed-precondition' });
  await shim.call(task.kill, { id, signal: 9 });
  await shim.call(task.wait, { id });
  await assert.rejects(shim.call(task.start, { id, execId: 'same' }), { message: /init process is not running/ });
  await assert.rejects(shim.call(task.exec, { id, execId: 'late', spec }), {
    message: /cannot exec in a stopped state/,
  });
  await assert.rejects(access(join(bundle.path, 'exec-same.json')), { code: 'ENOENT' });
});

test('children that a process leaves behind are reaped, and do not keep it from ending', async () => {
  await using shims = await openShimPlace();
  const { id, bundle, shim } = await startTask(shims, ['sleep', '1000']);
  const stdout = await bundle.fifo('out');
  const script = '(sleep 0.2; echo late) & (exit 0) & echo early';
  await shim.call(task.exec, { id, execId: 'parent', stdout: stdout.path, spec: execSpec(['sh', '-c', script]) });
  await shim.call(task.start, { id, execId: 'parent' });
  assert.equal((await shim.call(task.wait, { id, execId: 'parent' })).exitStatus, 0);
  await shim.call(task.delete, { id, execId: 'parent' });
  assert.equal(await stdout.text, 'early\nlate\n');
  const children = await readFile(`/proc/${shim.pid}/task/${shim.pid}/children`, 'utf8');
  assert.equal(children.trim().split(' ').length, 1);
});
