import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EngineError } from '#/base/errors.ts';

/** Where programs of ours are: beside a release's bundle, or under build/ of the repository. */
export const nativeDirectories: readonly string[] = [import.meta.dirname, resolve(import.meta.dirname, '../../build')];

export function nativeProgram(name: string): string {
  const found = nativeDirectories.map((directory) => join(directory, name)).find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new EngineError(
    'failed-precondition',
    `Cannot find "${name}" at ${nativeDirectories.join(' or ')}: build it with "make -C native"`,
  );
}

/** The daemon's launcher, which shims call back as `berthd publish`. */
export function daemonLauncher(): string {
  const places = [resolve(import.meta.dirname, '../bin/berthd'), resolve(import.meta.dirname, '../../bin/berthd')];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new EngineError('failed-precondition', `Cannot find berthd's launcher at ${places.join(' or ')}`);
}
