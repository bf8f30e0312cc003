import { access, constants, stat } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { EngineError } from '#/base/errors.ts';

/** Remembers where the programs are, and looks again only when one has gone. */
export interface ShimBinaries {
  find(runtime: string): Promise<string>;
}

const mostRuntimes = 64;

export function createShimBinaries(): ShimBinaries {
  const known = new Map<string, string>();
  return {
    find: async (runtime) => {
      const before = known.get(runtime);
      if (before !== undefined && (await isProgram(before))) return before;
      const found = await findShimBinary(runtime);
      if (known.size >= mostRuntimes) known.clear();
      known.set(runtime, found);
      return found;
    },
  };
}

/**
 * The program that a runtime's name stands for: the last two parts of `io.containerd.runc.v2` make
 * `containerd-shim-runc-v2`, looked for in PATH and beside the daemon; an absolute path is taken as it is.
 */
export async function findShimBinary(runtime: string, searched: string = process.env['PATH'] ?? ''): Promise<string> {
  if (isAbsolute(runtime)) {
    if (await isProgram(runtime)) return runtime;
    throw new EngineError('not-found', `Cannot use runtime "${runtime}": there is no such program`);
  }
  const name = shimName(runtime);
  const places = [...searched.split(delimiter).filter(isAbsolute), dirname(process.execPath)];
  for (const place of places) {
    const path = join(place, name);
    if (await isProgram(path)) return path;
  }
  throw new EngineError('not-found', `Cannot use runtime "${runtime}": there is no "${name}" in PATH; install it`);
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
