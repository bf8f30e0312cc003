import { access, constants, stat } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import { berthRuntime, runcRuntime } from '#/oci/runtime-names.ts';

/** Remembers where the programs are, and looks again only when one has gone. */
export interface ShimBinaries {
  find(runtime: string): Promise<string>;
}

export interface ShimPlaces {
  /** As of PATH. */
  readonly path?: string;
  /** Where programs that came with the daemon are. */
  readonly directories: readonly string[];
}

const mostRuntimes = 64;

export function createShimBinaries(directories: readonly string[], logger: Logger): ShimBinaries {
  const known = new Map<string, string>();
  return {
    find: async (runtime) => {
      const before = known.get(runtime);
      if (before !== undefined && (await isProgram(before))) return before;
      const found = await findShimBinary(runtime, { directories });
      if (runtime === runcRuntime && isBerthShim(found))
        logger.info("containerd's shim is not installed: berth's own answers for it", { runtime, shim: found });
      if (known.size >= mostRuntimes) known.clear();
      known.set(runtime, found);
      return found;
    },
  };
}

/** Ours holds the streams of its processes itself. */
export const isBerthShim = (binary: string): boolean => basename(binary) === shimName(berthRuntime);

/**
 * The program that a runtime's name stands for: the last two parts of `io.containerd.runc.v2` make
 * `containerd-shim-runc-v2`, looked for in PATH and beside the daemon; an absolute path is taken as it is. Our own is first
 * looked for beside the daemon, to which it belongs, and stands in for containerd's where that is not installed.
 */
export async function findShimBinary(runtime: string, places: ShimPlaces): Promise<string> {
  if (isAbsolute(runtime)) {
    if (await isProgram(runtime)) return runtime;
    throw new EngineError('not-found', `Cannot use runtime "${runtime}": there is no such program`);
  }
  const name = shimName(runtime);
  const { path = process.env['PATH'] ?? '', directories } = places;
  const installed = path.split(delimiter).filter(isAbsolute);
  const found = await firstProgram(
    runtime === berthRuntime ? [...directories, ...installed] : [...installed, ...directories],
    name,
  );
  if (found !== undefined) return found;
  if (runtime === runcRuntime) {
    const own = await findShimBinary(berthRuntime, places).catch(() => undefined);
    if (own !== undefined) return own;
  }
  throw new EngineError('not-found', `Cannot use runtime "${runtime}": there is no "${name}" in PATH; install it`);
}

async function firstProgram(directories: readonly string[], name: string): Promise<string | undefined> {
  for (const directory of directories) {
    const path = join(directory, name);
    if (await isProgram(path)) return path;
  }
  return undefined;
}

function shimName(runtime: string): string {
  const parts = runtime.split('.');
  const [kind = '', version = ''] = parts.slice(-2);
  if (parts.length >= 2 && /^[A-Za-z0-9_-]+$/.test(kind) && /^[A-Za-z0-9_-]+$/.test(version))
    return `containerd-shim-${kind}-${version}`;
  throw new EngineError(
    'invalid-argument',
    `Cannot use runtime ${JSON.stringify(runtime.slice(0, 200))}: give a name such as "io.containerd.runc.v2", or an absolute path`,
  );
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
