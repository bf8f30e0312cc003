import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import { run } from '#/linux/spawn.ts';

export interface RuntimeFacts {
  readonly path: string;
  readonly version: string;
}

const searched = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
const patience = 5000;
const mostOutput = 64 * 1024;

/** The OCI runtime that runs people's containers. Throws `failed-precondition` when this machine has none. */
export async function findRuntime(): Promise<RuntimeFacts> {
  const path = await findProgram('runc');
  if (path === undefined)
    throw new EngineError(
      'failed-precondition',
      'Cannot start: no OCI runtime was found on PATH; install the package "runc"',
    );
  const { stdout } = await run({
    file: path,
    args: ['--version'],
    env: { PATH: searched },
    timeoutMs: patience,
    maxOutput: mostOutput,
  });
  return { path, version: /^runc version (\S+)/m.exec(stdout.toString())?.[1] ?? 'unknown' };
}

/** OCI runtimes whose names people may use without naming them in the configuration. */
const known = ['runc', 'crun', 'runsc'];

/** Those of the known OCI runtimes that are installed. */
export async function findOciRuntimes(): Promise<string[]> {
  const paths = await Promise.all(known.map(findProgram));
  return known.filter((_, index) => paths[index] !== undefined);
}

/** Where a program of PATH is. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const directory of new Set(searched.split(':').filter((entry) => entry.startsWith('/')))) {
    const path = join(directory, name);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return undefined;
}
