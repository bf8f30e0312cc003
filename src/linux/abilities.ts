import { mkdir, mkdtempDisposable, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '#/base/errors.ts';
import { addon } from '#/linux/addon.ts';
import { type MountInfo, listMounts } from '#/linux/mount-info.ts';
import { temporaryPrefix, withMounts } from '#/linux/mount.ts';

/** What this machine and this process can do, found out once at start and handed on as a value. */
export interface Abilities {
  readonly root: boolean;
  /** CAP_SYS_ADMIN: mounts, namespaces. */
  readonly canMount: boolean;
  /** CAP_NET_ADMIN */
  readonly canConfigureNetworks: boolean;
  /** CAP_SYS_RESOURCE: limits above one's own, out-of-memory scores below one's own. */
  readonly canRaiseLimits: boolean;
  readonly overlay: boolean;
  readonly userNamespaces: boolean;
  readonly nftables: boolean;
  readonly cgroups: CgroupAbilities;
}

export interface CgroupAbilities {
  /** `hybrid`: v1 controllers with a v2 tree beside them; `none`: no cgroup file system is mounted. */
  readonly version: 'v1' | 'hybrid' | 'v2' | 'none';
  /** The mount point of each controller ("memory", "name=systemd"), whichever version it is on. */
  readonly mounts: ReadonlyMap<string, string>;
  /** The mount point of the v2 tree. */
  readonly unified?: string;
}

/** `directory` is where a mount may be tried; what a killed try leaves there, `undoLeftMounts` clears away. */
export async function findAbilities(directory: string): Promise<Abilities> {
  const status = await readFile('/proc/self/status', 'utf8');
  const holds = capabilityTest(status);
  const canMount = holds(21);
  return {
    root: /^Uid:\s+\d+\s+0\s/m.test(status),
    canMount,
    canConfigureNetworks: holds(12),
    canRaiseLimits: holds(24),
    overlay: canMount && (await canOverlay(directory)),
    userNamespaces: await hasUserNamespaces(),
    nftables: (await addon().probeNftablesAsync()) === 0,
    cgroups: await findCgroups(await listMounts()),
  };
}

/** The effective set of /proc/PID/status, by capability number. */
export function capabilityTest(status: string): (capability: number) => boolean {
  const digits = /^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  const effective = BigInt(`0x${digits}`);
  return (capability) => ((effective >> BigInt(capability)) & 1n) === 1n;
}

const refusals: readonly string[] = ['ENODEV', 'EPERM', 'EACCES', 'EINVAL', 'ENOSYS'];

/** Asks by a mount, which loads the module where it is one. */
async function canOverlay(directory: string): Promise<boolean> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await using one = await mkdtempDisposable(join(directory, temporaryPrefix));
  await using two = await mkdtempDisposable(join(directory, temporaryPrefix));
  const layers = [one.path, two.path];
  const overlay = { type: 'overlay', source: 'overlay', options: ['ro', `lowerdir=${layers.join(':')}`] };
  try {
    return await withMounts([overlay], directory, () => Promise.resolve(true));
  } catch (error) {
    if (refusals.includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

async function hasUserNamespaces(): Promise<boolean> {
  return Number(await readOr('/proc/sys/user/max_user_namespaces', '0')) > 0;
}

export async function findCgroups(mounts: readonly MountInfo[]): Promise<CgroupAbilities> {
  const unified = mounts.find(({ type }) => type === 'cgroup2')?.target;
  const old = mounts.filter(({ type }) => type === 'cgroup');
  const found = new Map<string, string>();
  for (const { superOptions, target } of old)
    for (const option of superOptions) if (isController(option) && !found.has(option)) found.set(option, target);
  const hasOldControllers = [...found.keys()].some((name) => !name.startsWith('name='));
  const version = unified === undefined ? (found.size > 0 ? 'v1' : 'none') : hasOldControllers ? 'hybrid' : 'v2';
  if (unified === undefined) return { version, mounts: found };
  const own = await readOr(join(unified, 'cgroup.controllers'), '');
  for (const name of own.split(/\s+/)) if (name !== '' && !found.has(name)) found.set(name, unified);
  return { version, mounts: found, unified };
}

/** Options of a v1 mount that name no controller. */
const notControllers = /^(?:ro|rw|xattr|noprefix|clone_children|cpuset_v2_mode|all|none|release_agent=.*)$/;

function isController(option: string): boolean {
  return !notControllers.test(option);
}

async function readOr(path: string, otherwise: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return otherwise;
    throw error;
  }
}
