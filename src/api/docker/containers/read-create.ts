import { EngineError } from '#/base/errors.ts';
import type { Config, HostConfig, MountRequest } from '#/engine/docker-config.ts';
import { logOptionsOf } from '#/engine/log-options.ts';
import { Fields, isEmpty } from '#/api/docker/json-fields.ts';

export interface CreateBody {
  readonly config: Config;
  readonly hostConfig: HostConfig;
}

/** Reads the body of `POST /containers/create`. What berth does not do yet is refused by name, never left out. */
export function readCreateBody(body: unknown): CreateBody {
  const fields = new Fields(body, 'Config');
  const hostConfig = readHostConfig(fields.object('HostConfig'));
  checkNetworking(fields.object('NetworkingConfig'), hostConfig.NetworkMode);
  const config = readConfig(fields);
  fields.refuseRest();
  return { config, hostConfig };
}

function readConfig(fields: Fields): Config {
  checkHealth(fields.object('Healthcheck'));
  const volumes = fields.objectMap('Volumes');
  if (Object.keys(volumes).length > 0)
    throw new EngineError(
      'unimplemented',
      `Cannot make volumes ${Object.keys(volumes).join(', ')}: berth has no volumes yet; bind a host path with -v SOURCE:DESTINATION`,
    );
  const stopSignal = fields.text('StopSignal');
  const exposed = fields.objectMap('ExposedPorts');
  fields.raw('ArgsEscaped');
  return {
    Hostname: fields.text('Hostname'),
    Domainname: fields.text('Domainname'),
    User: fields.text('User'),
    AttachStdin: fields.flag('AttachStdin'),
    AttachStdout: fields.flag('AttachStdout'),
    AttachStderr: fields.flag('AttachStderr'),
    Tty: fields.flag('Tty'),
    OpenStdin: fields.flag('OpenStdin'),
    StdinOnce: fields.flag('StdinOnce'),
    Env: fields.texts('Env'),
    Cmd: nonEmpty(fields.optionalTexts('Cmd')),
    Entrypoint: fields.optionalTexts('Entrypoint') ?? null,
    Image: fields.text('Image'),
    Volumes: null,
    ...(Object.keys(exposed).length > 0 ? { ExposedPorts: exposed } : {}),
    WorkingDir: checkWorkingDir(fields.text('WorkingDir')),
    Labels: fields.textMap('Labels'),
    ...(stopSignal === '' ? {} : { StopSignal: stopSignal }),
    ...(fields.has('StopTimeout') ? { StopTimeout: fields.number('StopTimeout') } : {}),
  };
}

const nonEmpty = (list: string[] | undefined): string[] | null =>
  list === undefined || list.length === 0 ? null : list;

function checkWorkingDir(path: string): string {
  if (path === '' || path.startsWith('/')) return path;
  throw new EngineError('invalid-argument', `Cannot use working directory "${path}": it needs to be an absolute path`);
}

function checkHealth(fields: Fields): void {
  const [first] = fields.texts('Test');
  if (first !== undefined && first !== 'NONE')
    throw new EngineError('unimplemented', 'Cannot run a health check: berth has none yet; use --no-healthcheck');
}

const networkModes: ReadonlySet<string> = new Set(['', 'default', 'host', 'none']);

function readNetworkMode(mode: string): string {
  if (networkModes.has(mode)) return mode === '' ? 'default' : mode;
  throw new EngineError(
    'unimplemented',
    `Cannot use network "${mode}": berth has no networks but "host" and "none" yet`,
  );
}

/** Clients send an entry for the chosen network, with everything in it empty. */
function checkNetworking(fields: Fields, mode: string): void {
  for (const [name, endpoint] of Object.entries(fields.objectMap('EndpointsConfig'))) {
    if (!networkModes.has(name) || (name !== 'default' && name !== mode)) readNetworkMode(name);
    if (!isEmpty(endpoint))
      throw new EngineError(
        'unimplemented',
        `Cannot configure an endpoint on network "${name}": berth's networks have no addresses or aliases yet`,
      );
  }
}

/** What people ask for most and berth cannot do yet, in their words. */
const laterWords: Readonly<Record<string, string>> = {
  PortBindings: 'published ports (-p); with --network host the container has the host’s own',
  PublishAllPorts: 'published ports (-P)',
  Devices: 'devices (--device)',
  DeviceRequests: 'devices by CDI (--gpus, --device)',
  DeviceCgroupRules: 'device cgroup rules',
  Init: 'init process (--init)',
  Links: 'links (--link)',
  UsernsMode: 'user namespaces (--userns)',
  VolumesFrom: 'volumes (--volumes-from)',
  VolumeDriver: 'volumes (--volume-driver)',
  StorageOpt: 'storage options (--storage-opt)',
};

function readHostConfig(fields: Fields): HostConfig {
  checkRestartPolicy(fields.object('RestartPolicy'));
  const [height = 0, width = 0] =
    fields.raw('ConsoleSize') === undefined ? [] : (fields.raw('ConsoleSize') as number[]);
  const log = fields.object('LogConfig');
  const logConfig = { Type: log.text('Type') || 'json-file', Config: log.textMap('Config') };
  logOptionsOf(logConfig);
  const hostConfig = {
    ...readIsolation(fields),
    ...readResources(fields),
    Binds: fields.texts('Binds'),
    Mounts: fields.objects('Mounts').map(readMount),
    Tmpfs: fields.textMap('Tmpfs'),
    NetworkMode: readNetworkMode(fields.text('NetworkMode')),
    AutoRemove: fields.flag('AutoRemove'),
    ExtraHosts: fields.texts('ExtraHosts'),
    Dns: fields.texts('Dns'),
    DnsOptions: fields.texts('DnsOptions'),
    DnsSearch: fields.texts('DnsSearch'),
    ConsoleSize: [height, width] as const,
    Annotations: fields.textMap('Annotations'),
    LogConfig: logConfig,
  };
  fields.refuseRest(laterWords);
  return hostConfig;
}

function checkRestartPolicy(fields: Fields): void {
  const name = fields.text('Name');
  fields.number('MaximumRetryCount');
  if (name !== '' && name !== 'no')
    throw new EngineError(
      'unimplemented',
      `Cannot use restart policy "${name}": berth restarts no containers by itself yet`,
    );
}

type Isolation = Pick<
  HostConfig,
  | 'Privileged'
  | 'ReadonlyRootfs'
  | 'CapAdd'
  | 'CapDrop'
  | 'GroupAdd'
  | 'SecurityOpt'
  | 'PidMode'
  | 'IpcMode'
  | 'UTSMode'
  | 'CgroupnsMode'
  | 'Runtime'
  | 'Sysctls'
>;

function readIsolation(fields: Fields): Isolation {
  const isolation = fields.text('Isolation');
  if (isolation !== '' && isolation !== 'default')
    throw new EngineError('invalid-argument', `Cannot use isolation "${isolation}": Linux has only "default"`);
  return {
    Privileged: fields.flag('Privileged'),
    ReadonlyRootfs: fields.flag('ReadonlyRootfs'),
    CapAdd: fields.texts('CapAdd'),
    CapDrop: fields.texts('CapDrop'),
    GroupAdd: fields.texts('GroupAdd'),
    SecurityOpt: fields.texts('SecurityOpt').map(checkSecurityOption),
    PidMode: readMode(fields, 'PidMode', ['', 'host', 'private']),
    IpcMode: readMode(fields, 'IpcMode', ['', 'host', 'private', 'shareable']),
    UTSMode: readMode(fields, 'UTSMode', ['', 'host', 'private']),
    CgroupnsMode: readMode(fields, 'CgroupnsMode', ['', 'host', 'private']),
    Runtime: fields.text('Runtime'),
    Sysctls: fields.textMap('Sysctls'),
  };
}

function readMode(fields: Fields, name: string, known: readonly string[]): string {
  const mode = fields.text(name);
  if (known.includes(mode)) return mode;
  throw new EngineError(
    'unimplemented',
    `Cannot use HostConfig.${name} "${mode}": berth knows ${known.filter((word) => word !== '').join(', ')} so far`,
  );
}

/** Seccomp, AppArmor and SELinux profiles come later; asking for none of them is what there is. */
function checkSecurityOption(option: string): string {
  if (/^no-new-privileges(?:[:=](?:true|false))?$/.test(option)) return option;
  if (/^(?:seccomp|apparmor)[:=]unconfined$/.test(option) || /^label[:=]disable$/.test(option)) return option;
  throw new EngineError(
    'unimplemented',
    `Cannot use security option "${option}": berth has no-new-privileges and the unconfined ones so far`,
  );
}

type Resources = Pick<
  HostConfig,
  | 'Ulimits'
  | 'ShmSize'
  | 'OomScoreAdj'
  | 'OomKillDisable'
  | 'Memory'
  | 'MemoryReservation'
  | 'MemorySwap'
  | 'MemorySwappiness'
  | 'NanoCpus'
  | 'CpuShares'
  | 'CpuPeriod'
  | 'CpuQuota'
  | 'CpusetCpus'
  | 'CpusetMems'
  | 'PidsLimit'
  | 'BlkioWeight'
  | 'CgroupParent'
>;

function readResources(fields: Fields): Resources {
  return {
    Ulimits: fields.objects('Ulimits').map((ulimit) => ({
      Name: checkUlimitName(ulimit.text('Name')),
      Soft: ulimit.number('Soft'),
      Hard: ulimit.number('Hard'),
    })),
    ShmSize: atLeast(fields, 'ShmSize', 0),
    OomScoreAdj: fields.number('OomScoreAdj'),
    OomKillDisable: fields.flag('OomKillDisable'),
    Memory: checkMemory(atLeast(fields, 'Memory', 0)),
    MemoryReservation: atLeast(fields, 'MemoryReservation', 0),
    MemorySwap: atLeast(fields, 'MemorySwap', -1),
    MemorySwappiness: fields.number('MemorySwappiness', -1),
    NanoCpus: atLeast(fields, 'NanoCpus', 0),
    CpuShares: atLeast(fields, 'CpuShares', 0),
    CpuPeriod: atLeast(fields, 'CpuPeriod', 0),
    CpuQuota: atLeast(fields, 'CpuQuota', -1),
    CpusetCpus: fields.text('CpusetCpus'),
    CpusetMems: fields.text('CpusetMems'),
    PidsLimit: atLeast(fields, 'PidsLimit', -1),
    BlkioWeight: atLeast(fields, 'BlkioWeight', 0),
    CgroupParent: checkCgroupParent(fields.text('CgroupParent')),
  };
}

function atLeast(fields: Fields, name: string, least: number): number {
  const value = fields.number(name);
  if (value >= least) return value;
  throw new EngineError('invalid-argument', `Cannot use HostConfig.${name} ${value}: it must be at least ${least}`);
}

const leastMemory = 6 * 1024 * 1024;

function checkMemory(bytes: number): number {
  if (bytes === 0 || bytes >= leastMemory) return bytes;
  throw new EngineError(
    'invalid-argument',
    `Cannot limit memory to ${bytes} bytes: Minimum memory limit allowed is 6MB`,
  );
}

const ulimitNames: ReadonlySet<string> = new Set([
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
  'as',
]);

function checkUlimitName(name: string): string {
  if (ulimitNames.has(name)) return name;
  throw new EngineError('invalid-argument', `Cannot set ulimit "${name}": no such limit`);
}

function checkCgroupParent(path: string): string {
  if (path === '' || (path.startsWith('/') && path !== '/' && !path.split('/').includes('..')))
    return path.replace(/\/+$/, '');
  if (/^[\w@.-]+\.slice$/.test(path)) return path;
  throw new EngineError(
    'invalid-argument',
    `Cannot use cgroup parent "${path}": expected an absolute path below the cgroup root, or a slice of systemd's`,
  );
}

function readMount(fields: Fields): MountRequest {
  const type = fields.text('Type');
  if (type !== 'bind' && type !== 'tmpfs')
    throw new EngineError('unimplemented', `Cannot mount type "${type}": berth mounts "bind" and "tmpfs" so far`);
  const bind = fields.object('BindOptions');
  const tmpfs = fields.object('TmpfsOptions');
  const mount: MountRequest = {
    Type: type,
    Source: fields.text('Source'),
    Target: fields.text('Target'),
    ReadOnly: fields.flag('ReadOnly'),
    Propagation: readMode(bind, 'Propagation', ['', 'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']),
    TmpfsSize: tmpfs.number('SizeBytes'),
    TmpfsMode: tmpfs.number('Mode'),
  };
  fields.text('Consistency');
  bind.refuseRest();
  tmpfs.refuseRest();
  fields.refuseRest();
  return mount;
}
