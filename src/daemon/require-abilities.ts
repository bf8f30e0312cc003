import { EngineError } from '#/base/errors.ts';
import type { Abilities } from '#/linux/abilities.ts';

/** Throws where berthd cannot do its work at all. */
export function requireAbilities({ root, canMount }: Abilities): void {
  if (!root || !canMount)
    throw new EngineError(
      'permission-denied',
      'Cannot start: berthd must be root and allowed to mount (CAP_SYS_ADMIN)',
    );
}

export function cgroupVersion({ cgroups }: Abilities): 'v1' | 'hybrid' | 'v2' {
  if (cgroups.version !== 'none') return cgroups.version;
  throw new EngineError(
    'failed-precondition',
    'Cannot start: no cgroup file system is mounted; mount one with "mount -t cgroup2 none /sys/fs/cgroup"',
  );
}
