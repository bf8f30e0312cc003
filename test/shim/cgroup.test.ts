import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { newToken } from '#/base/ids.ts';
import { MetricsSchema as V1Schema } from '#/gen/io/containerd/cgroups/v1/metrics_pb.ts';
import { MetricsSchema as V2Schema } from '#/gen/io/containerd/cgroups/v2/metrics_pb.ts';
import { readCgroups, removeCgroup } from '#/linux/cgroup.ts';
import { listMounts } from '#/linux/mount-info.ts';
import { run } from '#/linux/spawn.ts';
import { mustRun, runCommand } from '../support/run-command.ts';
import { untilTrue } from '../support/until.ts';

/** Built here, unless another build is named. */
const named = process.env['BERTH_TEST_CGROUP_READER'];
const program = resolve(named ?? 'build/test/cgroup');
if (named === undefined) await mustRun('make', ['-s', '-C', 'native', program], { timeoutMs: 300_000 });

/** Runs the reader over files that are made up; throws what it says. */
async function read(version: 'v1' | 'v2', files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'cgroup-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory.path, name)), { recursive: true });
    await writeFile(join(directory.path, name), text);
  }
  const result = await run({
    file: program,
    args: [version, directory.path],
    env: process.env,
    timeoutMs: 30_000,
    maxOutput: 4 << 20,
  });
  if (result.code === 0) return result.stdout;
  throw new Error(result.stderr.toString().trim());
}

const readV1 = async (files: Readonly<Record<string, string>>) => fromBinary(V1Schema, await read('v1', files));
const readV2 = async (files: Readonly<Record<string, string>>) => fromBinary(V2Schema, await read('v2', files));

test('counters of a host with more CPUs than fit a buffer are all there', async () => {
  const cpus = Array.from({ length: 1024 }, (_, cpu) => 10n ** 15n + BigInt(cpu));
  const { cpu } = await readV1({
    'cpuacct/cpuacct.stat': 'user 250\nsystem 125\n',
    'cpuacct/cpuacct.usage': '3750000001\n',
    'cpuacct/cpuacct.usage_percpu': `${cpus.join(' ')} \n`,
  });
  assert.deepEqual(cpu?.usage?.perCpu, cpus);
  assert.equal(cpu?.usage?.user, 2_500_000_000n);
  assert.equal(cpu?.usage?.kernel, 1_250_000_000n);
  assert.equal(cpu?.usage?.total, 3_750_000_001n);
  assert.notEqual(cpu?.throttling, undefined);
});

test('disks of a kernel with the CFQ scheduler are read from its files, with their names', async () => {
  const [line = ''] = (await readFile('/proc/partitions', 'utf8')).split('\n').slice(2);
  const [major = '', minor = '', , name = ''] = line.trim().split(/ +/);
  const { blkio } = await readV1({
    'blkio/blkio.io_serviced_recursive': `${major}:${minor} Read 7\n${major}:${minor} Write 8\n999:1 Read 2\nTotal 17\n`,
    'blkio/blkio.sectors_recursive': `${major}:${minor} 4096\n`,
    'blkio/blkio.throttle.io_serviced': `${major}:${minor} Read 1000\nTotal 1000\n`,
  });
  const entries = blkio?.ioServicedRecursive.map(({ device, major: a, op, value }) => [device, Number(a), op, value]);
  assert.deepEqual(entries, [
    [`/dev/${name}`, Number(major), 'Read', 7n],
    [`/dev/${name}`, Number(major), 'Write', 8n],
    ['', 999, 'Read', 2n],
  ]);
  assert.deepEqual(
    blkio?.sectorsRecursive.map(({ op, value }) => [op, value]),
    [['', 4096n]],
  );
});

test('disks of other kernels are read from the files of throttling', async () => {
  const { blkio } = await readV1({
    'blkio/blkio.io_serviced_recursive': 'Total 0\n',
    'blkio/blkio.throttle.io_serviced': '259:0 Read 3\n259:0 Total 3\nTotal 3\n',
    'blkio/blkio.throttle.io_service_bytes': '259:0 Read 12288\nTotal 12288\n',
  });
  assert.deepEqual(
    blkio?.ioServicedRecursive.map(({ op, value }) => [op, value]),
    [
      ['Read', 3n],
      ['Total', 3n],
    ],
  );
  assert.deepEqual(
    blkio?.ioServiceBytesRecursive.map(({ value }) => value),
    [12_288n],
  );
});

test('RDMA devices are read where both of their files tell of the same ones', async () => {
  const current = 'mlx4_0 hca_handle=2 hca_object=2000\nocrdma1 hca_handle=3 hca_object=5\n';
  const limit = 'mlx4_0 hca_handle=2 hca_object=max\nocrdma1 hca_handle=max hca_object=9\n';
  const { rdma } = await readV1({ 'rdma/rdma.current': current, 'rdma/rdma.max': limit });
  assert.deepEqual(
    rdma?.limit.map(({ device, hcaHandles, hcaObjects }) => [device, hcaHandles, hcaObjects]),
    [
      ['mlx4_0', 2, 0xffffffff],
      ['ocrdma1', 0xffffffff, 9],
    ],
  );
  assert.equal(rdma?.current[0]?.hcaObjects, 2000);
  const gone = await readV1({ 'rdma/rdma.current': current, 'rdma/rdma.max': limit.split('\n')[0] ?? '' });
  assert.equal(gone.rdma, undefined);
  const unified = await readV2({ 'rdma.current': current });
  assert.deepEqual([unified.rdma?.current.length, unified.rdma?.limit.length], [2, 0]);
});

test('huge pages are counted by the sizes that the kernel has', async () => {
  const v1 = await readV1({
    'hugetlb/hugetlb.2MB.usage_in_bytes': '4194304\n',
    'hugetlb/hugetlb.2MB.max_usage_in_bytes': '6291456\n',
    'hugetlb/hugetlb.2MB.failcnt': '3\n',
  });
  const { usage, max, failcnt } = v1.hugetlb.find(({ pagesize }) => pagesize === '2MB') ?? {};
  assert.deepEqual([usage, max, failcnt], [4_194_304n, 6_291_456n, 3n]);
  const v2 = await readV2({
    'hugetlb.2MB.current': '2097152\n',
    'hugetlb.2MB.max': 'max\n',
    'hugetlb.2MB.events': 'max 5\n',
  });
  const found = v2.hugetlb.find(({ pagesize }) => pagesize === '2MB');
  assert.deepEqual([found?.current, found?.max, found?.failcnt], [2_097_152n, 2n ** 64n - 1n, 5n]);
});

test('no limit is 0 in version 1 and the greatest number in version 2', async () => {
  const v1 = await readV1({ 'pids/pids.current': '3\n', 'pids/pids.max': 'max\n' });
  assert.deepEqual([v1.pids?.current, v1.pids?.limit], [3n, 0n]);
  const v2 = await readV2({ 'pids.current': '3\n', 'pids.max': 'max\n' });
  assert.deepEqual([v2.pids?.current, v2.pids?.limit], [3n, 2n ** 64n - 1n]);
});

test('pressure and disks of version 2 are read; what the kernel adds is passed over', async () => {
  const some = 'some avg10=1.53 avg60=0.87 avg300=100.00 total=77777777\n';
  const { cpu, io, memory, memoryEvents } = await readV2({
    'cpu.stat':
      'usage_usec 90\nuser_usec 60\nsystem_usec 30\ncore_sched.force_idle_usec 4\nnr_bursts 2\nburst_usec 8\n',
    'cpu.pressure': some,
    'io.stat':
      '8:0 rbytes=90112 wbytes=4096 rios=7 wios=1 dbytes=0 dios=0 cost.usage=1\n7:3 \n(unknown) \n253:16 rbytes=1\n',
    'memory.stat': 'anon 5\nsock 0\nworkingset_refault_anon 9\nzswpout 3\n',
    'memory.current': '4096\n',
    'memory.max': 'max\n',
    'memory.events': 'low 0\nhigh 4\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\nsock_throttled 1\n',
  });
  assert.deepEqual([cpu?.usageUsec, cpu?.nrBursts, cpu?.burstUsec], [90n, 2n, 8n]);
  const { avg10, avg60, avg300, total } = cpu?.psi?.some ?? {};
  assert.deepEqual([avg10, avg60, avg300, total], [1.53, 0.87, 100, 77_777_777n]);
  assert.equal(cpu?.psi?.full, undefined);
  assert.deepEqual(
    io?.usage.map(({ major, minor, rbytes, wios }) => [major, minor, rbytes, wios].map(Number)),
    [
      [8, 0, 90_112, 1],
      [7, 3, 0, 0],
      [253, 16, 1, 0],
    ],
  );
  assert.deepEqual([memory?.anon, memory?.workingsetRefaultAnon, memory?.usage], [5n, 9n, 4096n]);
  assert.equal(memory?.psi, undefined);
  assert.deepEqual([memoryEvents?.high, memoryEvents?.oomKill], [4n, 1n]);
});

test('a cgroup that is gone has no counters, which is no failure', async () => {
  const v1 = await readV1({ 'memory/other': '' });
  assert.equal(v1.memory, undefined);
  assert.notEqual(v1.cpu?.usage, undefined);
  const v2 = await readV2({});
  assert.equal(v2.memoryEvents, undefined);
  assert.notEqual(v2.memory, undefined);
});

const garbage: readonly (readonly ['v1' | 'v2', string, string])[] = [
  ['v1', 'cpu/cpu.stat', 'nr_periods many\n'],
  ['v1', 'cpuacct/cpuacct.usage', '18446744073709551616\n'],
  ['v1', 'blkio/blkio.throttle.io_serviced', '8:0:0:0:0 Read\n'],
  ['v1', 'pids/pids.current', ''],
  ['v2', 'memory.stat', 'anon\n'],
];

for (const [version, name, text] of garbage)
  test(`a file "${name}" that holds ${JSON.stringify(text)} is refused by name`, async () => {
    const files = { 'pids/pids.max': 'max\n', [name]: text };
    await assert.rejects(
      read(version, files),
      new RegExp(`${name.split('/').at(-1)?.split('.')[0]}[^"]*": Bad message`),
    );
  });

test('a list longer than any is refused, not cut', async () => {
  const lines = Array.from({ length: 5000 }, (_, disk) => `${disk}:0 rbytes=1\n`).join('');
  await assert.rejects(read('v2', { 'io.stat': lines }), /io\.stat": Cannot allocate memory/);
});

test('lines longer than any are passed over, and those after them are read', async () => {
  const { memory } = await readV2({ 'memory.stat': `anon 1\n${'x'.repeat(100_000)} 7\nfile 2\n` });
  assert.deepEqual([memory?.anon, memory?.file], [1n, 2n]);
});

/** A sleeping process in `<name>/inner` of a hierarchy, which is of version 1 where that has memory on this host. */
async function openNested() {
  await using stack = new AsyncDisposableStack();
  const mounts = await listMounts();
  const legacy = mounts.find(({ type, superOptions }) => type === 'cgroup' && superOptions.includes('memory'));
  const mount = legacy ?? mounts.find(({ type }) => type === 'cgroup2');
  if (mount === undefined) throw new Error('no cgroup is mounted here');
  const name = `test-${newToken(5)}`;
  const outer = join(mount.target, name);
  for (const path of [outer, join(outer, 'inner')]) {
    await mkdir(path);
    stack.defer(() => removeCgroup(path));
  }
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  stack.defer(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await writeFile(join(outer, 'inner/cgroup.procs'), String(child.pid));
  const lifetime = stack.move();
  const hierarchy = legacy === undefined ? 'unified' : 'memory';
  const type = legacy === undefined ? 'cgroup2' : 'cgroup -o memory';
  return {
    pid: child.pid,
    outer,
    mount: mount.target,
    hierarchy,
    type,
    [Symbol.asyncDispose]: () => lifetime.disposeAsync(),
  };
}

const placeIn = (hierarchy: string, said: string): string | undefined =>
  said
    .split('\n')
    .find((line) => line.startsWith(`${hierarchy} `))
    ?.slice(hierarchy.length + 1);

test('the cgroup of a process is found in each hierarchy that is mounted', async () => {
  const said = await mustRun(program, ['find', String(process.pid)]);
  const own = await readCgroups(process.pid);
  const mounts = await listMounts();
  for (const { controllers, path } of own) {
    const [name = ''] = controllers;
    const shown = placeIn(name === '' ? 'unified' : name, said);
    if (shown === undefined) continue;
    const mount = mounts.find(({ type, superOptions }) =>
      name === '' ? type === 'cgroup2' : type === 'cgroup' && superOptions.includes(name),
    );
    assert.equal(shown, join(mount?.target ?? '-', path).replace(/(.)\/$/, '$1'));
  }
});

test('a cgroup is found where only a part of its hierarchy is mounted, as in a container', async () => {
  await using nested = await openNested();
  const { outer, mount, hierarchy, pid } = nested;
  const script = `mount --bind ${outer} ${mount} && exec ${program} find ${pid}`;
  assert.equal(placeIn(hierarchy, await mustRun('unshare', ['-m', 'sh', '-c', script])), join(mount, 'inner'));
});

test('a cgroup is found by its path in the cgroup namespace that the finder is in', async () => {
  await using nested = await openNested();
  await using directory = await mkdtempDisposable(join(tmpdir(), 'cgroup-'));
  const { outer, hierarchy, type, pid } = nested;
  const inside = `mount -t ${type} none ${directory.path} && exec ${program} find ${pid}`;
  const script = `echo $$ > ${outer}/cgroup.procs && exec unshare -m -C sh -c '${inside}'`;
  assert.equal(placeIn(hierarchy, await mustRun('sh', ['-c', script])), join(directory.path, 'inner'));
});

test('a process outside the cgroup namespace of the finder is in no cgroup of it', async () => {
  await using nested = await openNested();
  await using other = await openNested();
  await using directory = await mkdtempDisposable(join(tmpdir(), 'cgroup-'));
  const { outer, hierarchy, type } = nested;
  const inside = `mount -t ${type} none ${directory.path} && { ${program} find ${other.pid}; true; }`;
  const script = `echo $$ > ${outer}/cgroup.procs && exec unshare -m -C sh -c '${inside}'`;
  assert.match(placeIn(hierarchy, await mustRun('sh', ['-c', script])) ?? '-', /^-$/);
});

test('a process that does not exist, or has ended, has no cgroup', async () => {
  const missing = await runCommand(program, ['find', '2147483647']);
  assert.match(missing.stderr, /^5: Cannot find the cgroup of process 2147483647: /);
  const script = 'exec 3<&0; cat <&3 >&2 & echo $!; exec sleep 1000 3<&-';
  const parent = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(parent, 'exit');
  try {
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    const sees = async (file: string, what: RegExp) => what.test(await readFile(`/proc/${file}`, 'utf8'));
    await untilTrue('nobody would reap it', () => sees(`${parent.pid}/comm`, /sleep/));
    parent.stdin.end();
    await untilTrue('it has ended', () => sees(`${pid}/stat`, /\) Z /));
    const { code, stdout, stderr } = await runCommand(program, ['find', String(pid)]);
    // Version 2 alone still tells where it was.
    if (stdout.startsWith('unified')) return;
    assert.equal(code, 1, stdout);
    assert.match(stderr, /it has ended$/m);
  } finally {
    parent.kill('SIGKILL');
    await ended;
  }
});
