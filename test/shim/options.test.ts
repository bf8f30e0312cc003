import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { CheckpointOptionsSchema, OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { anyOfValue, packMessage } from '#/rpc/any.ts';
import type { ShimPlace } from '../support/shim.ts';
import { createTask, execSpec, openShimPlace, task } from '../support/shim.ts';

interface Recorded {
  readonly binary: string;
  /** The command lines so far, without the program. */
  lines(): Promise<string[]>;
}

/** The real runtime behind a program that writes down how it is called; `answer` may act in its stead. */
async function recordedRuntime({ place }: ShimPlace, answer = ''): Promise<Recorded> {
  const binary = join(place.path, 'recorded-runc');
  const record = `${binary}.lines`;
  await writeFile(record, '');
  await writeFile(binary, `#!/bin/sh\necho "$*" >>${record}\n${answer}\nexec runc "$@"\n`);
  await chmod(binary, 0o755);
  return { binary, lines: async () => (await readFile(record, 'utf8')).trimEnd().split('\n') };
}

const packOptions = (options: MessageInitShape<typeof OptionsSchema>): ReturnType<typeof anyOfValue> =>
  anyOfValue(packMessage(OptionsSchema, options));

test('the options of the runtime become its flags, and files of the bundle', async () => {
  await using shims = await openShimPlace();
  const runtime = await recordedRuntime(shims);
  const root = join(shims.place.path, 'runc "root"');
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const { id } = bundle;
  const options = packOptions({ binaryName: runtime.binary, root, noPivotRoot: true, noNewKeyring: true, ioUid: 1234 });
  await createTask(shims, bundle, shim, { options });
  await shim.call(task.start, { id });
  await shim.call(task.exec, { id, execId: 'e', spec: execSpec(['true']) });
  await shim.call(task.start, { id, execId: 'e' });
  await shim.call(task.kill, { id, signal: 9 });
  await shim.call(task.wait, { id });
  await shim.call(task.delete, { id });
  const common = `--root ${root}/${shims.namespace} --log ${bundle.path}/log.json --log-format json`;
  const execLog = common.replace('log.json', 'exec-e.log');
  assert.deepEqual(await runtime.lines(), [
    `${common} create --bundle ${bundle.path} --pid-file ${bundle.path}/init.pid --no-pivot --no-new-keyring ${id}`,
    `${common} start ${id}`,
    `${execLog} exec --process ${bundle.path}/exec-e.json --pid-file ${bundle.path}/e.pid --detach ${id}`,
    `${common} kill ${id} 9`,
    `${common} delete ${id}`,
  ]);
  assert.deepEqual(JSON.parse(await readFile(join(bundle.path, 'options.json'), 'utf8')), {
    no_pivot_root: true,
    no_new_keyring: true,
    io_uid: 1234,
    binary_name: runtime.binary,
    root,
  });
  assert.equal(await readFile(join(bundle.path, 'runtime'), 'utf8'), runtime.binary);
});

test('delete without a shim asks the same runtime, in the same place', async () => {
  await using shims = await openShimPlace();
  const runtime = await recordedRuntime(shims, 'case "$*" in *systemd*delete*) exit 0;; *systemd*) exit 1;; esac');
  const root = join(shims.place.path, 'root');
  const bundle = await shims.bundle(['true']);
  const shim = await bundle.start();
  const options = packOptions({ binaryName: runtime.binary, root, systemdCgroup: true });
  await assert.rejects(createTask(shims, bundle, shim, { options }), { message: /ended with exit status 1/ });
  await bundle.remove();
  const common = `--root ${root}/${shims.namespace} --log ${bundle.path}/log.json --log-format json --systemd-cgroup`;
  assert.deepEqual((await runtime.lines()).slice(1), [`${common} delete --force ${bundle.id}`]);
});

test('a checkpoint is made by the runtime, with all that was asked for', async () => {
  await using shims = await openShimPlace();
  const runtime = await recordedRuntime(shims, 'case "$*" in *checkpoint*) exit 0;; esac');
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const { id } = bundle;
  const asked = {
    openTcp: true,
    externalUnixSockets: true,
    terminal: true,
    fileLocks: true,
    emptyNamespaces: ['network', 'ipc'],
    cgroupsMode: 'soft',
    parentPath: '/parent',
  };
  const options = anyOfValue(packMessage(CheckpointOptionsSchema, asked));
  await createTask(shims, bundle, shim, { options: packOptions({ binaryName: runtime.binary }) });
  await assert.rejects(shim.call(task.checkpoint, { id, path: '/image' }), { message: /in created state/ });
  await shim.call(task.start, { id });
  await shim.call(task.checkpoint, { id, path: '/image', options });
  const exit = anyOfValue(packMessage(CheckpointOptionsSchema, { exit: true, workPath: '/work/here' }));
  await shim.call(task.checkpoint, { id, path: '/image', options: exit });
  const lines = (await runtime.lines())
    .filter((line) => line.includes(' checkpoint '))
    .map((line) => line.slice(line.indexOf(' checkpoint ') + 1));
  assert.deepEqual(lines, [
    `checkpoint --image-path /image --work-path ${bundle.path}/work/criu-work --parent-path /parent --tcp-established ` +
      `--ext-unix-sk --shell-job --file-locks --manage-cgroups-mode soft --empty-ns network --empty-ns ipc --leave-running ${id}`,
    `checkpoint --image-path /image --work-path /work/here ${id}`,
  ]);
  const foreign = { typeUrl: 'some.Options', value: Buffer.from([8, 1]) };
  await assert.rejects(shim.call(task.checkpoint, { id, path: '/image', options: foreign }), {
    kind: 'invalid-argument',
  });
});

test('a checkpoint that fails keeps criu’s log, and says where', async () => {
  await using shims = await openShimPlace();
  const answer =
    'case "$*" in *checkpoint*) echo why >"${11}/dump.log"; printf "%s" \'{"level":"error","msg":"criu failed\\nmore"}\' >>"$4"; exit 1;; esac';
  const runtime = await recordedRuntime(shims, answer);
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const { id } = bundle;
  await mkdir(join(bundle.path, 'work/criu-work'), { recursive: true });
  await createTask(shims, bundle, shim, { options: packOptions({ binaryName: runtime.binary }) });
  await shim.call(task.start, { id });
  const log = join(bundle.path, 'criu-dump.log');
  await assert.rejects(shim.call(task.checkpoint, { id, path: '/image' }), {
    message: `OCI runtime checkpoint failed: criu failed path= ${log}`,
  });
  assert.equal(await readFile(log, 'utf8'), 'why\n');
  assert.deepEqual(await readdir(join(bundle.path, 'work')), []);
});

test('a container of a checkpoint is made when it is started', async () => {
  await using shims = await openShimPlace();
  const restore =
    'case "$*" in *restore*) sleep 1000 & while [ "$1" != --pid-file ]; do shift; done; echo $! >"$2"; exit 0;; *delete*) exit 0;; esac';
  const runtime = await recordedRuntime(shims, restore);
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const { id } = bundle;
  const options = packOptions({ binaryName: runtime.binary, criuWorkPath: '/criu' });
  const created = await createTask(shims, bundle, shim, { options, checkpoint: '/image', parentCheckpoint: '/parent' });
  assert.equal(created.pid, 0);
  await assert.rejects(shim.call(task.exec, { id, execId: 'e', spec: execSpec(['true']) }), {
    message: /in a created state/,
  });
  const { pid } = await shim.call(task.start, { id });
  assert.equal((await shim.call(task.state, { id })).pid, pid);
  process.kill(pid, 'SIGKILL');
  assert.equal((await shim.call(task.wait, { id })).exitStatus, 137);
  await shim.call(task.delete, { id });
  const line = (await runtime.lines()).find((one) => one.includes(' restore ')) ?? '';
  assert.equal(
    line.slice(line.indexOf(' restore ') + 1),
    `restore --image-path /image --work-path /criu --parent-path /parent --detach --pid-file ${bundle.path}/init.pid ` +
      `--no-subreaper --bundle ${bundle.path} ${id}`,
  );
});
