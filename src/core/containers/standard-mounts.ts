import type { SpecMount } from '#/oci/runtime-spec.ts';
import { deviceMounts, procMount, queueMount, sharedMemoryMount, sysMount } from '#/oci/usual-mounts.ts';

export interface StandardMountOptions {
  readonly privileged: boolean;
  readonly network: 'host' | 'none';
  readonly ipc: 'host' | 'private';
  readonly cgroupns: 'host' | 'private';
  readonly shmSize: number;
}

/** What every Linux container finds mounted: runtime-spec config-linux.md, "Default Filesystems", as Docker has them. */
export function standardMounts(options: StandardMountOptions): SpecMount[] {
  const { privileged } = options;
  const write = privileged ? 'rw' : 'ro';
  return [
    procMount,
    ...deviceMounts,
    sysMount(write),
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [write, 'nosuid', 'noexec', 'nodev', 'relatime'],
    },
    ...ipcMounts(options),
  ];
}

function ipcMounts({ ipc, shmSize }: StandardMountOptions): SpecMount[] {
  if (ipc === 'host')
    return [
      { destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: ['rbind', 'rw'] },
      { destination: '/dev/mqueue', type: 'bind', source: '/dev/mqueue', options: ['rbind', 'rw'] },
    ];
  return [queueMount, sharedMemoryMount(String(shmSize))];
}
