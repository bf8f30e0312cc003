import { defaultCapabilities } from '#/oci/capabilities.ts';
import type { RuntimeSpec, SpecCapabilities, SpecDeviceRule, SpecMount } from '#/oci/runtime-spec.ts';
import { deviceMounts, procMount, queueMount, sharedMemoryMount, sysMount } from '#/oci/usual-mounts.ts';

/**
 * What a container of containerd's clients starts from, before image and flags change it: no devices, the fourteen
 * usual capabilities, namespaces of its own, no command. `containerd`'s word of what an unsaid thing means.
 */
export function defaultSpec({ namespace, id }: { readonly namespace: string; readonly id: string }): RuntimeSpec {
  return {
    ociVersion: '1.3.0',
    process: {
      user: { uid: 0, gid: 0 },
      cwd: '/',
      capabilities: capabilitySets(defaultCapabilities),
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs' },
    mounts: defaultMounts,
    linux: {
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      cgroupsPath: id === '' ? `/${namespace}` : `/${namespace}/${id}`,
      namespaces: [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }, { type: 'network' }],
      maskedPaths,
      readonlyPaths,
    },
  };
}

export function capabilitySets(names: readonly string[]): SpecCapabilities {
  return { bounding: names, effective: names, permitted: names };
}

const device = (major: number, minor?: number): SpecDeviceRule => {
  return { allow: true, type: 'c', major, ...(minor === undefined ? {} : { minor }), access: 'rwm' };
};

/** null, random, full, tty, zero, urandom, console, terminals, ptmx. */
export const usualDeviceRules: readonly SpecDeviceRule[] = [
  device(1, 3),
  device(1, 8),
  device(1, 7),
  device(5, 0),
  device(1, 5),
  device(1, 9),
  device(5, 1),
  device(136),
  device(5, 2),
];

const defaultMounts: readonly SpecMount[] = [
  procMount,
  ...deviceMounts,
  sharedMemoryMount('65536k'),
  queueMount,
  sysMount('ro'),
  {
    destination: '/run',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
];

const maskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
  '/proc/scsi',
];

const readonlyPaths: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
