import { type PathLike, addon } from '#/linux/addon.ts';
import { checkCall } from '#/linux/errno-error.ts';

/** Nanoseconds since 1970, which may be negative; an absent time stays as it is. */
export interface FileTimes {
  readonly atime?: bigint;
  readonly mtime?: bigint;
}

/** Sets times of the path itself, links not followed, to the nanosecond, of which Node's own lutimes knows nothing. */
export async function lutimes(path: PathLike, { atime, mtime }: FileTimes): Promise<void> {
  checkCall(await addon().setTimesAsync(path, ...split(atime), ...split(mtime)), 'utimensat', { path });
}

export function lutimesSync(path: PathLike, { atime, mtime }: FileTimes): void {
  checkCall(addon().setTimes(path, ...split(atime), ...split(mtime)), 'utimensat', { path });
}

const second = 1_000_000_000n;

/** Whole seconds and the nanoseconds after them; -1 of these means: leave it. */
function split(time: bigint | undefined): [seconds: number, nanoseconds: number] {
  if (time === undefined) return [0, -1];
  const nanoseconds = ((time % second) + second) % second;
  return [Number((time - nanoseconds) / second), Number(nanoseconds)];
}
