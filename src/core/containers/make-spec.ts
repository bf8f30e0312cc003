/**
 * The OCI runtime spec of a container, from what the image and the person said: a pure function. Whatever needs the
 * disk or the kernel (users, devices, capabilities present) was looked up before and is an argument.
 */
import { selectCapabilities } from '#/oci/capabilities.ts';
import { standardMounts } from '#/core/containers/standard-mounts.ts';
import type {
  RuntimeSpec,
  SpecCapabilities,
  SpecDevice,
  SpecDeviceRule,
  SpecMount,
  SpecNamespace,
  SpecResources,
  SpecRlimit,
  SpecUser,
} from '#/oci/runtime-spec.ts';

export interface SpecOptions {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: SpecUser;
  readonly terminal: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly hostname: string;
  readonly domainname?: string;
  readonly readonlyRootfs: boolean;
  readonly privileged: boolean;
  readonly noNewPrivileges: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly oomScoreAdj?: number;
  readonly rlimits: readonly SpecRlimit[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly shmSize: number;
  /** 'host' shares the host's namespace. */
  readonly network: 'host' | 'none';
  readonly pid: 'host' | 'private';
  readonly ipc: 'host' | 'private';
  readonly uts: 'host' | 'private';
  readonly cgroupns: 'host' | 'private';
  /** Bind mounts and tmpfs of the person's own, after the standard ones. */
  readonly mounts: readonly SpecMount[];
  readonly resources: SpecResources;
  readonly cgroupsPath: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly host: HostFacts;
}

/** What the daemon knows of its host. */
export interface HostFacts {
  readonly capabilities: readonly string[];
  /** Devices that a privileged container gets. */
  readonly devices: readonly SpecDevice[];
}

export function makeSpec(options: SpecOptions): RuntimeSpec {
  const { privileged } = options;
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: options.terminal,
      ...(options.consoleSize === undefined ? {} : { consoleSize: options.consoleSize }),
      user: options.user,
      args: options.args,
      env: options.env,
      cwd: options.cwd,
      capabilities: capabilitySets(options),
      ...(options.rlimits.length === 0 ? {} : { rlimits: options.rlimits }),
      noNewPrivileges: options.noNewPrivileges,
      ...(options.oomScoreAdj === undefined ? {} : { oomScoreAdj: options.oomScoreAdj }),
    },
    root: { path: 'rootfs', readonly: options.readonlyRootfs },
    ...(options.uts === 'host' ? {} : { hostname: options.hostname }),
    ...(options.domainname === undefined || options.uts === 'host' ? {} : { domainname: options.domainname }),
    mounts: orderMounts([...standardMounts(options), ...options.mounts]),
    annotations: options.annotations,
    linux: {
      resources: { ...options.resources, devices: deviceRules(options) },
      cgroupsPath: options.cgroupsPath,
      namespaces: namespacesOf(options),
      ...(privileged ? { devices: options.host.devices } : { maskedPaths, readonlyPaths }),
      ...(Object.keys(options.sysctls).length === 0 ? {} : { sysctl: options.sysctls }),
    },
  };
}

function capabilitySets(options: SpecOptions): SpecCapabilities {
  const { capAdd: add, capDrop: drop, privileged, host } = options;
  const bounding = selectCapabilities({ add, drop, privileged, present: host.capabilities });
  const own = options.user.uid === 0 ? bounding : [];
  return { bounding, permitted: own, effective: own };
}

function namespacesOf(options: SpecOptions): SpecNamespace[] {
  const { pid, ipc, uts, network, cgroupns } = options;
  return [
    { type: 'mount' },
    ...(pid === 'host' ? [] : [{ type: 'pid' } as const]),
    ...(ipc === 'host' ? [] : [{ type: 'ipc' } as const]),
    ...(uts === 'host' ? [] : [{ type: 'uts' } as const]),
    ...(network === 'host' ? [] : [{ type: 'network' } as const]),
    ...(cgroupns === 'host' ? [] : [{ type: 'cgroup' } as const]),
  ];
}

const everyDevice: SpecDeviceRule = { allow: true, access: 'rwm' };

/** Nothing but making nodes, the harmless character devices and terminals. */
const usualDevices: readonly SpecDeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }, // null
  { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' }, // zero
  { allow: true, type: 'c', major: 1, minor: 7, access: 'rwm' }, // full
  { allow: true, type: 'c', major: 1, minor: 8, access: 'rwm' }, // random
  { allow: true, type: 'c', major: 1, minor: 9, access: 'rwm' }, // urandom
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' }, // tty
  { allow: true, type: 'c', major: 5, minor: 1, access: 'rwm' }, // console
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' }, // ptmx
  { allow: true, type: 'c', major: 136, access: 'rwm' }, // pts
];

function deviceRules({ privileged }: SpecOptions): readonly SpecDeviceRule[] {
  return privileged ? [everyDevice] : usualDevices;
}

/** A mount must come after the one that it lies in. */
function orderMounts(mounts: readonly SpecMount[]): SpecMount[] {
  const overridden = new Set(
    mounts.filter((mount, at) => mounts.slice(at + 1).some((later) => later.destination === mount.destination)),
  );
  const depth = (path: string): number => path.split('/').filter((part) => part !== '').length;
  return mounts.filter((mount) => !overridden.has(mount)).sort((a, b) => depth(a.destination) - depth(b.destination));
}

const maskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/interrupts',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];

const readonlyPaths: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
