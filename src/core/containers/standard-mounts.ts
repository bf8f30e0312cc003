import type { SpecMount } from '#/oci/runtime-spec.ts';

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
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', write] },
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
  return [
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${shmSize}`],
    },
  ];
}
