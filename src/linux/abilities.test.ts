import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { capabilityTest, findAbilities, findCgroups } from '#/linux/abilities.ts';
import { parseMountInfo } from '#/linux/mount-info.ts';
import { run } from '#/linux/spawn.ts';

test('findAbilities() of root on this machine is what the machine has', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'abilities-'));
  const abilities = await findAbilities(directory.path);
  assert.deepEqual(await readdir(directory.path), []);
  assert.equal(abilities.root, process.geteuid?.() === 0);
  assert(abilities.canMount);
  assert(abilities.overlay);
  for (const [controller, place] of abilities.cgroups.mounts) assert(existsSync(place), controller);
  const limits = { env: {}, timeoutMs: 10_000, maxOutput: 1_000_000 };
  const nft = await run({ ...limits, file: 'nft', args: ['list', 'tables'] }).catch(() => undefined);
  if (nft !== undefined) assert.equal(abilities.nftables, nft.code === 0);
});

test('findAbilities() of an unprivileged user promises nothing', async () => {
  // Loaded first: the repository may lie where only root can read.
  const script = `import { findAbilities } from '#/linux/abilities.ts';
    import { addon } from '#/linux/addon.ts';
    addon();
    process.setgid(65534); process.setuid(65534);
    const { cgroups, userNamespaces, ...rest } = await findAbilities('/nowhere');
    console.log(JSON.stringify(rest));`;
  const args = ['--input-type=module-typescript', '-e', script];
  const result = await run({ file: process.execPath, args, env: {}, timeoutMs: 20_000, maxOutput: 65_536 });
  assert.equal(result.stderr.toString(), '');
  const no = { root: false, canMount: false, canConfigureNetworks: false, canRaiseLimits: false };
  assert.deepEqual(JSON.parse(result.stdout.toString()), { ...no, overlay: false, nftables: false });
});

test('capabilityTest() reads the effective set', () => {
  const holds = capabilityTest('CapPrm:\t000001ffffffffff\nCapEff:\t000001fffeffffff\n');
  assert.deepEqual([0, 21, 24, 40, 41].map(holds), [true, true, false, true, false]);
});

const line = (target: string, type: string, options: string): string =>
  `30 20 0:9 / ${target} rw - ${type} ${type} ${options}`;

async function versionOf(lines: readonly string[]): Promise<unknown> {
  const { version, mounts } = await findCgroups(parseMountInfo(lines.join('\n')));
  return [version, Object.fromEntries(mounts)];
}

test('findCgroups() tells v1, hybrid and v2 apart and where each controller is', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'cgroup-'));
  const unified = join(directory.path, 'unified');
  mkdirSync(unified);
  writeFileSync(join(unified, 'cgroup.controllers'), 'cpu memory hugetlb\n');
  const memory = line('/c/memory', 'cgroup', 'rw,memory');
  const cpu = line('/c/cpu', 'cgroup', 'rw,xattr,cpu,cpuacct');
  const systemd = line('/c/systemd', 'cgroup', 'rw,xattr,release_agent=/x,name=systemd');
  const two = line(unified, 'cgroup2', 'rw,nsdelegate');
  const old = { memory: '/c/memory', cpu: '/c/cpu', cpuacct: '/c/cpu', 'name=systemd': '/c/systemd' };
  assert.deepEqual(await versionOf([memory, cpu, systemd]), ['v1', old]);
  assert.deepEqual(await versionOf([memory, cpu, systemd, two]), ['hybrid', { ...old, hugetlb: unified }]);
  assert.deepEqual(await versionOf([two]), ['v2', { cpu: unified, memory: unified, hugetlb: unified }]);
  assert.deepEqual(await versionOf([line('/', 'ext4', 'rw')]), ['none', {}]);
});
