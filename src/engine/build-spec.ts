import { stat } from 'node:fs/promises';
import { mkdir } from 'node:fs/promises';
import { errnoOf, EngineError } from '#/base/errors.ts';
import type { TypedValue } from '#/base/any.ts';
import type { FoundUser } from '#/oci/find-user.ts';
import { usesSystemdCgroup } from '#/core/tasks/systemd-cgroup.ts';
import { makeSpec } from '#/core/containers/make-spec.ts';
import type { RuntimeSpec, SpecMount, SpecResources, SpecRlimit } from '#/oci/runtime-spec.ts';
import { cgroupPathOf } from '#/engine/cgroup-path.ts';
import type { EngineContext } from '#/engine/context.ts';
import type { Config, HostConfig, MountRequest } from '#/engine/docker-config.ts';
import { bindMount, checkDestination, parseBind, tmpfsMount, type Bind } from '#/engine/parse-bind.ts';
import { processEnv } from '#/engine/merge-image-config.ts';

export interface SpecRequest {
  readonly id: string;
  readonly namespace: string;
  readonly config: Config;
  readonly hostConfig: HostConfig;
  readonly args: readonly string[];
  readonly user: FoundUser;
  /** hosts, hostname and resolv.conf. */
  readonly files: readonly SpecMount[];
  /** Of the container's runtime. */
  readonly runtimeOptions: TypedValue | undefined;
}

const defaultShmSize = 64 * 1024 * 1024;

/** The spec of one of people's containers: looks at host paths, then leaves the rest to the pure function. */
export async function buildSpec(context: EngineContext, request: SpecRequest): Promise<RuntimeSpec> {
  const { config, hostConfig, user } = request;
  const own = await ownMounts(hostConfig);
  return makeSpec({
    args: request.args,
    env: processEnv({ env: config.Env, hostname: config.Hostname, terminal: config.Tty, home: user.home }),
    cwd: config.WorkingDir === '' ? '/' : config.WorkingDir,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    terminal: config.Tty,
    ...consoleSizeOf(hostConfig),
    hostname: config.Hostname,
    ...(config.Domainname === '' ? {} : { domainname: config.Domainname }),
    readonlyRootfs: hostConfig.ReadonlyRootfs,
    privileged: hostConfig.Privileged,
    noNewPrivileges: hostConfig.SecurityOpt.some((option) => /^no-new-privileges(?:[:=]true)?$/.test(option)),
    capAdd: hostConfig.CapAdd,
    capDrop: hostConfig.CapDrop,
    ...(hostConfig.OomScoreAdj === 0 ? {} : { oomScoreAdj: hostConfig.OomScoreAdj }),
    rlimits: hostConfig.Ulimits.map(rlimitOf),
    sysctls: hostConfig.Sysctls,
    shmSize: hostConfig.ShmSize === 0 ? defaultShmSize : hostConfig.ShmSize,
    network: hostConfig.NetworkMode === 'host' ? 'host' : 'none',
    pid: hostConfig.PidMode === 'host' ? 'host' : 'private',
    ipc: hostConfig.IpcMode === 'host' ? 'host' : 'private',
    uts: hostConfig.UTSMode === 'host' ? 'host' : 'private',
    cgroupns: cgroupNamespace(context, hostConfig),
    mounts: withoutOverridden(request.files, own),
    resources: resourcesOf(hostConfig),
    cgroupsPath: cgroupPathOf({
      id: request.id,
      parent: hostConfig.CgroupParent,
      systemd: usesSystemdCgroup(request.runtimeOptions),
    }),
    annotations: hostConfig.Annotations,
    host: context.host,
  });
}

function consoleSizeOf({ ConsoleSize: [height, width] }: HostConfig): {
  consoleSize?: { height: number; width: number };
} {
  return height > 0 && width > 0 ? { consoleSize: { height, width } } : {};
}

/** Docker's default: a namespace of its own on cgroup v2, the host's on v1. */
function cgroupNamespace({ cgroupVersion }: EngineContext, hostConfig: HostConfig): 'host' | 'private' {
  if (hostConfig.CgroupnsMode === 'host' || hostConfig.CgroupnsMode === 'private') return hostConfig.CgroupnsMode;
  return cgroupVersion === 'v2' && !hostConfig.Privileged ? 'private' : 'host';
}

function rlimitOf({ Name, Soft, Hard }: HostConfig['Ulimits'][number]): SpecRlimit {
  return { type: `RLIMIT_${Name.toUpperCase()}`, soft: Soft, hard: Hard };
}

/** A file of ours gives way to a mount of the person's at the same place. */
function withoutOverridden(files: readonly SpecMount[], own: readonly SpecMount[]): SpecMount[] {
  const taken = new Set(own.map(({ destination }) => destination));
  return [...files.filter(({ destination }) => !taken.has(destination)), ...own];
}

async function ownMounts(hostConfig: HostConfig): Promise<SpecMount[]> {
  const binds = hostConfig.Binds.map(parseBind);
  for (const bind of binds) await makeMissingDirectory(bind);
  const requested = await Promise.all(hostConfig.Mounts.map(requestedMount));
  const tmpfs = Object.entries(hostConfig.Tmpfs).map(([place, options]) => tmpfsMount(place, options));
  const all = [...binds.map(bindMount), ...requested, ...tmpfs];
  const twice = all.find((mount, at) => all.findIndex(({ destination }) => destination === mount.destination) !== at);
  if (twice !== undefined)
    throw new EngineError('invalid-argument', `Cannot mount twice on "${twice.destination}": Duplicate mount point`);
  return all;
}

/** `-v` makes a missing host directory, as Docker does; `--mount` refuses it. */
async function makeMissingDirectory({ source }: Bind): Promise<void> {
  try {
    await stat(source);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    await mkdir(source, { recursive: true });
  }
}

async function requestedMount(request: MountRequest): Promise<SpecMount> {
  const { Type, Source, Target, ReadOnly } = request;
  const destination = checkDestination(Target, Target);
  if (Type === 'tmpfs') {
    const size = request.TmpfsSize > 0 ? [`size=${request.TmpfsSize}`] : [];
    const mode = request.TmpfsMode > 0 ? [`mode=${request.TmpfsMode.toString(8)}`] : [];
    return {
      destination,
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'nodev', 'noexec', ...(ReadOnly ? ['ro'] : []), ...size, ...mode],
    };
  }
  if (!Source.startsWith('/'))
    throw new EngineError(
      'invalid-argument',
      `Cannot bind "${Source}" on "${Target}": the source must be an absolute path`,
    );
  await stat(Source).catch((cause: unknown) => {
    throw new EngineError(
      'invalid-argument',
      `Cannot bind "${Source}" on "${Target}": bind source path does not exist: ${Source}`,
      { cause },
    );
  });
  const propagation = request.Propagation === '' ? 'rprivate' : request.Propagation;
  return { destination, type: 'bind', source: Source, options: ['rbind', ReadOnly ? 'ro' : 'rw', propagation] };
}

/** The resource limits that were asked for, in the runtime's words. */
export function resourcesOf(hostConfig: HostConfig): SpecResources {
  const { Memory, MemoryReservation, MemorySwap, MemorySwappiness, OomKillDisable, PidsLimit, BlkioWeight } =
    hostConfig;
  const memory = {
    ...(Memory > 0 ? { limit: Memory, swap: MemorySwap === 0 ? Memory * 2 : MemorySwap } : {}),
    ...(MemoryReservation > 0 ? { reservation: MemoryReservation } : {}),
    ...(MemorySwappiness >= 0 ? { swappiness: MemorySwappiness } : {}),
    ...(OomKillDisable ? { disableOOMKiller: true } : {}),
  };
  const cpu = cpuOf(hostConfig);
  return {
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(PidsLimit > 0 ? { pids: { limit: PidsLimit } } : {}),
    ...(BlkioWeight > 0 ? { blockIO: { weight: BlkioWeight } } : {}),
  };
}

const wholePeriod = 100_000;

function cpuOf({
  NanoCpus,
  CpuShares,
  CpuPeriod,
  CpuQuota,
  CpusetCpus,
  CpusetMems,
}: HostConfig): NonNullable<SpecResources['cpu']> {
  const quota = NanoCpus > 0 ? Math.round((NanoCpus / 1e9) * wholePeriod) : CpuQuota;
  const period = NanoCpus > 0 ? wholePeriod : CpuPeriod;
  return {
    ...(quota === 0 ? {} : { quota }),
    ...(period === 0 ? {} : { period }),
    ...(CpuShares > 0 ? { shares: CpuShares } : {}),
    ...(CpusetCpus === '' ? {} : { cpus: CpusetCpus }),
    ...(CpusetMems === '' ? {} : { mems: CpusetMems }),
  };
}
