import assert from 'node:assert/strict';
import { access, mkdir, readFile, readlink, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { parseShimAnswer } from '#/core/tasks/shim-answer.ts';
import { OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { BootstrapParamsSchema, BootstrapResultSchema } from '#/gen/containerd/runtime/bootstrap/v1/bootstrap_pb.ts';
import { RuntimeInfoSchema } from '#/gen/containerd/types/introspection_pb.ts';
import { isAlive } from '#/linux/process.ts';
import { anyOfValue, packMessage } from '#/rpc/any.ts';
import { connectShim, createTask, openShimPlace, task } from '../support/shim.ts';
import { untilTrue } from '../support/until.ts';

const options = anyOfValue(packMessage(OptionsSchema, { binaryName: 'runc' }));

test('start answers as its caller understands: the address, JSON, or a BootstrapResult', async () => {
  await using shims = await openShimPlace();
  const old = await shims.bundle(['true']);
  const plain = await old.command('start', {
    env: { MAX_SHIM_VERSION: undefined },
    input: toBinary(AnySchema, options),
  });
  assert.match(plain.stdout.toString(), /^unix:\/\/\/run\/containerd\/s\/[0-9a-f]{64}$/);
  assert.equal(await readFile(join(old.path, 'address'), 'utf8'), plain.stdout.toString());

  const json = await (await shims.bundle(['true'])).command('start', { env: { MAX_SHIM_VERSION: '3' } });
  const { version, address, protocol } = JSON.parse(json.stdout.toString()) as Record<string, unknown>;
  assert.deepEqual([version, protocol], [3, 'ttrpc']);
  assert.match(String(address), /^unix:\/\//);

  const bundle = await shims.bundle(['true']);
  const socketDir = join(shims.place.path, 'sockets');
  const greeting = { instanceId: bundle.id, namespace: shims.namespace, socketDir, extensions: [{ value: options }] };
  const input = toBinary(BootstrapParamsSchema, create(BootstrapParamsSchema, greeting));
  const result = fromBinary(BootstrapResultSchema, (await bundle.command('start', { input })).stdout);
  assert.deepEqual([result.version, result.protocol], [3, 'ttrpc']);
  assert.equal(result.address.startsWith(`unix://${socketDir}/`), true);
  assert.equal(await readlink(join(bundle.path, 's')), socketDir);
  const shim = await connectShim(shims.namespace, bundle.id, result);
  const { mode } = await stat(result.address.slice('unix://'.length));
  assert.equal(mode & 0o777, 0o600);
  await shim.call(task.shutdown, {});
  await untilTrue('end of the shim', async () => !(await isAlive(shim.pid)));
});

test('containers of a group share a shim, which ends with the last of them', async () => {
  await using shims = await openShimPlace();
  const group = (spec: { annotations?: Record<string, string> }): void => {
    spec.annotations = { 'io.kubernetes.cri.sandbox-id': 'pod' };
  };
  const [first, second] = [await shims.bundle(['sleep', '1000'], group), await shims.bundle(['sleep', '1000'], group)];
  const [one, other] = await Promise.all([first.start(), second.start()]);
  assert.deepEqual([other.endpoint, other.pid], [one.endpoint, one.pid]);
  for (const bundle of [first, second]) {
    await createTask(shims, bundle, one);
    await one.call(task.start, { id: bundle.id });
  }
  for (const { id } of [first, second]) {
    await one.call(task.kill, { id, signal: 9 });
    assert.equal((await one.call(task.wait, { id })).exitStatus, 137);
    await one.call(task.delete, { id });
    await one.call(task.shutdown, { id }).catch(() => {});
    if (id === first.id) assert.equal((await one.call(task.connect, { id })).shimPid, one.pid);
  }
  await untilTrue('end of the shim', async () => !(await isAlive(one.pid)));
});

test('the socket of a shim that is gone is taken over, and one that somebody serves is not', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['true']);
  const shim = await bundle.start();
  process.kill(shim.pid, 'SIGKILL');
  await untilTrue('end of the shim', async () => !(await isAlive(shim.pid)));
  const next = await bundle.start();
  assert.notEqual(next.pid, shim.pid);
  assert.deepEqual(next.endpoint, shim.endpoint);
  await next.call(task.shutdown, {});
  await untilTrue('end of the shim', async () => !(await isAlive(next.pid)));
  const path = shim.endpoint.address.slice('unix://'.length);
  await rm(path, { force: true });
  const stranger = createServer().listen(path);
  try {
    assert.deepEqual(parseShimAnswer((await bundle.command('start')).stdout), shim.endpoint);
  } finally {
    stranger.close();
  }
});

test('a shim gives way to the daemon when memory is short, and joins the cgroup that it is told', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['true']);
  const name = `${shims.namespace}-shims`;
  const unified = await access('/sys/fs/cgroup/cgroup.controllers').then(
    () => true,
    () => false,
  );
  const cgroup = join('/sys/fs/cgroup', unified ? '' : 'pids', name);
  const input = toBinary(AnySchema, anyOfValue(packMessage(OptionsSchema, { shimCgroup: `/${name}` })));
  const refused = await bundle.command('start', { input });
  assert.match(refused.stderr.toString(), new RegExp(`failed to load cgroup /${name}: there is none`));
  const address = (await readFile(join(bundle.path, 'address'), 'utf8')).slice('unix://'.length);
  await assert.rejects(access(address), { code: 'ENOENT' });
  await mkdir(cgroup);
  try {
    const shim = await bundle.start(input);
    assert.match(await readFile(join(cgroup, 'cgroup.procs'), 'utf8'), new RegExp(`^${shim.pid}$`, 'm'));
    const score = async (pid: number | string): Promise<number> =>
      Number(await readFile(`/proc/${pid}/oom_score_adj`, 'utf8'));
    assert.equal(await score(shim.pid), Math.min((await score('self')) + 1, 1000));
    await shim.call(task.shutdown, {});
    await untilTrue('end of the shim', async () => !(await isAlive(shim.pid)));
  } finally {
    await untilTrue('end of the cgroup', () =>
      rmdir(cgroup).then(
        () => true,
        () => false,
      ),
    );
  }
});

test('start refuses what it cannot use, and leaves no shim', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['true']);
  const refuses = async (why: RegExp, how: Parameters<typeof bundle.command>[1] = {}): Promise<void> => {
    const { code, stdout, stderr } = await bundle.command('start', how);
    assert.deepEqual([code, stdout.length], [1, 0]);
    assert.match(stderr.toString(), why);
  };
  await refuses(/no google\.protobuf\.Any|neither options nor BootstrapParams/, {
    input: Buffer.from([255, 255, 255]),
  });
  const foreign = toBinary(AnySchema, create(AnySchema, { typeUrl: 'other.Options', value: Buffer.from([8, 1]) }));
  await refuses(/options of type "other\.Options"/, { input: foreign });
  await refuses(/Cannot name a container "\.\.\/x"/, { flags: ['-id', '../x'] });
  await refuses(/Cannot name a namespace "a\/b"/, { flags: ['-namespace', 'a/b'] });
  await refuses(/flag provided but not defined: -nonsense/, { flags: ['-nonsense'] });
  await writeFile(join(bundle.path, 'config.json'), '{"annotations":');
  await refuses(/config\.json": it is no JSON/);
  await rm(join(bundle.path, 'config.json'));
  await refuses(/config\.json": No such file or directory/);
  await mkdir(join(bundle.path, 'config.json'));
  await refuses(/config\.json": it is no file/);
});

test('-v and -info tell who it is, and what the runtime can do', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['true']);
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  assert.match((await bundle.command('', { flags: ['-v'] })).stdout.toString(), new RegExp(`Version: +${version}\n`));
  const told = await bundle.command('', { flags: ['-info'], input: toBinary(AnySchema, options) });
  const info = fromBinary(RuntimeInfoSchema, told.stdout);
  assert.deepEqual([info.name, info.version?.version], ['io.containerd.berth.v1', version]);
  assert.deepEqual(info.options?.typeUrl, options.typeUrl);
  const features = JSON.parse(Buffer.from(info.features?.value ?? []).toString()) as { ociVersionMin: string };
  assert.match(features.ociVersionMin, /^1\./);
  const missing = anyOfValue(packMessage(OptionsSchema, { binaryName: '/no/such/runtime' }));
  const refused = await bundle.command('', { flags: ['-info'], input: toBinary(AnySchema, missing) });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr.toString(), /\/no\/such\/runtime/);
});
