import { EngineError } from '#/base/errors.ts';

export interface CgroupWish {
  readonly id: string;
  /** What the person asked for; '' for the usual place. */
  readonly parent: string;
  /** The runtime has systemd make the cgroups. */
  readonly systemd: boolean;
}

const usualParent = '/berth';
const usualSlice = 'system.slice';
/** The scope is `berth-ID.scope`. */
const prefix = 'berth';

/** A spec's `cgroupsPath`: a path below the cgroup root, or `slice:prefix:name` for systemd. */
export function cgroupPathOf({ id, parent, systemd }: CgroupWish): string {
  const isSlice = /^[^/]+\.slice$/.test(parent);
  if (parent !== '' && isSlice !== systemd)
    throw new EngineError(
      'invalid-argument',
      systemd
        ? `Cannot use cgroup parent "${parent}": this runtime's cgroups are systemd's, which wants a slice, such as machine.slice`
        : `Cannot use cgroup parent "${parent}": this runtime makes its cgroups itself and wants an absolute path below the cgroup root`,
    );
  if (!systemd) return `${parent === '' ? usualParent : parent}/${id}`;
  return `${parent === '' ? usualSlice : parent}:${prefix}:${id}`;
}
