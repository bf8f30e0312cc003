/** What every Linux container finds mounted, whoever made it: runtime-spec config-linux.md, "Default Filesystems". */
import type { SpecMount } from '#/oci/runtime-spec.ts';

const plain = ['nosuid', 'noexec', 'nodev'] as const;

export const procMount: SpecMount = { destination: '/proc', type: 'proc', source: 'proc', options: [...plain] };

export const deviceMounts: readonly SpecMount[] = [
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
];

export const queueMount: SpecMount = {
  destination: '/dev/mqueue',
  type: 'mqueue',
  source: 'mqueue',
  options: [...plain],
};

/** `size` as tmpfs has it. */
export const sharedMemoryMount = (size: string): SpecMount => ({
  destination: '/dev/shm',
  type: 'tmpfs',
  source: 'shm',
  options: [...plain, 'mode=1777', `size=${size}`],
});

export const sysMount = (access: 'ro' | 'rw'): SpecMount => ({
  destination: '/sys',
  type: 'sysfs',
  source: 'sysfs',
  options: [...plain, access],
});
