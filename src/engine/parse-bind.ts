import { posix } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import type { SpecMount } from '#/oci/runtime-spec.ts';

const propagations: ReadonlySet<string> = new Set(['shared', 'rshared', 'slave', 'rslave', 'private', 'rprivate']);

export interface Bind {
  readonly source: string;
  readonly destination: string;
  readonly options: readonly string[];
}

function refuse(text: string, why: string): never {
  throw new EngineError('invalid-argument', `Cannot use volume ${JSON.stringify(text)}: ${why}`);
}

/** Checks a path inside the container: absolute, not the root itself, no NUL. */
export function checkDestination(text: string, path: string): string {
  if (!path.startsWith('/') || path.includes('\0'))
    refuse(text, `the place in the container "${path}" must be an absolute path`);
  const clean = posix.normalize(path).replace(/(.)\/$/, '$1');
  if (clean === '/') refuse(text, 'the place in the container cannot be "/"');
  return clean;
}

/** Reads `SRC:DST[:OPTIONS]` as `docker run -v` has it. Only host paths so far: named volumes are refused in words. */
export function parseBind(text: string): Bind {
  const [source = '', destination = '', options = '', ...rest] = text.split(':');
  if (rest.length > 0) refuse(text, 'expected SOURCE:DESTINATION[:OPTIONS]');
  if (destination === '') refuse(text, 'berth has no anonymous volumes yet; bind a host path: SOURCE:DESTINATION');
  if (!source.startsWith('/')) refuse(text, 'berth has no named volumes yet; bind an absolute host path');
  if (source.includes('\0')) refuse(text, 'a path has no NUL characters');
  return {
    source: posix.normalize(source),
    destination: checkDestination(text, destination),
    options: readOptions(text, options === '' ? [] : options.split(',')),
  };
}

function readOptions(text: string, words: readonly string[]): string[] {
  let access = 'rw';
  let recursion = 'rbind';
  let propagation = 'rprivate';
  for (const word of words) {
    if (word === 'ro' || word === 'rw') access = word;
    else if (word === 'bind' || word === 'rbind') recursion = word;
    else if (propagations.has(word)) propagation = word;
    else if (word !== 'z' && word !== 'Z' && word !== 'nocopy')
      refuse(text, `"${word}" is not an option that berth knows`);
  }
  return [recursion, access, propagation];
}

export function bindMount({ source, destination, options }: Bind): SpecMount {
  return { destination, type: 'bind', source, options };
}

const tmpfsFlags: ReadonlySet<string> = new Set([
  'ro',
  'rw',
  'exec',
  'noexec',
  'suid',
  'nosuid',
  'dev',
  'nodev',
  'relatime',
  'noatime',
]);

/** Reads one entry of `--tmpfs`: a place and mount options. */
export function tmpfsMount(place: string, text: string): SpecMount {
  const words = text.split(',').filter((word) => word !== '');
  for (const word of words)
    if (
      !tmpfsFlags.has(word) &&
      !/^(?:size=\d+[kKmMgG%]?|mode=[0-7]{1,4}|uid=\d+|gid=\d+|nr_inodes=\d+[kKmMgG]?)$/.test(word)
    )
      refuse(`${place}:${text}`, `"${word}" is not an option of tmpfs that berth passes on`);
  const defaults = ['nosuid', 'nodev', 'noexec'].filter(
    (word) => !words.includes(word.slice(2)) && !words.includes(word),
  );
  return {
    destination: checkDestination(place, place),
    type: 'tmpfs',
    source: 'tmpfs',
    options: [...defaults, ...words],
  };
}
