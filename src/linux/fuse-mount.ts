import { EngineError } from '#/base/errors.ts';
import type { MountWish } from '#/linux/mount-options.ts';
import { run } from '#/linux/spawn.ts';

const patience = 60_000;
const maxOutput = 64 * 1024;

export interface FuseMount {
  readonly helper: 'mount.fuse' | 'mount.fuse3';
  /** The program that serves the file system. */
  readonly program: string;
  readonly wish: MountWish;
}

/** Types such as `fuse3.fuse-overlayfs` are mounted by a helper program that starts the one named behind the dot. */
export function splitFuseType(wish: MountWish): FuseMount | undefined {
  const [, helper, program] = /^(fuse3?)\.(.+)$/.exec(wish.type) ?? [];
  if (helper === undefined || program === undefined) return undefined;
  return { helper: helper === 'fuse' ? 'mount.fuse' : 'mount.fuse3', program, wish };
}

export async function mountFuse({ helper, program, wish }: FuseMount, target: string): Promise<void> {
  const options = wish.options.flatMap((option) => ['-o', option]);
  const args = [wish.source, target, ...options, '-t', program];
  const failed = (why: string, cause?: unknown): EngineError =>
    new EngineError('unavailable', `Cannot mount "${wish.source}" of type "${wish.type}" on "${target}": ${why}`, {
      cause,
    });
  const ended = await run({ file: helper, args, env: process.env, timeoutMs: patience, maxOutput }).catch(
    (cause: unknown) => {
      throw failed(`"${helper}" cannot be run; is it installed`, cause);
    },
  );
  if (ended.code === 0) return;
  const said = ended.stderr.toString().trim() || ended.stdout.toString().trim();
  throw failed(`"${helper}" ended with ${ended.code ?? `signal ${ended.signal}`}: ${said.slice(0, 500)}`);
}
