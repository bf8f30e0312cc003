/** Takes out of a client's output what no two runs have alike: times, ids, places. */
import type { Side } from './run-case.ts';

interface Run {
  readonly ns: string;
  readonly dir: string;
  readonly side: Side;
}

const always: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?(Z|[+-]\d\d:?\d\d)( UTC)?)?/g, '<time>'],
  [/"(seconds|nanos)":\d+/g, '"$1":<n>'],
  [/("?\b[pP]id"?[:=]? ?)\d+/g, '$1<pid>'],
  [/^(\S+\s+)\d+(\s+(RUNNING|STOPPED|PAUSED|CREATED))$/gm, '$1<pid>$2'],
  [/\b(Less than a|\d+) seconds?\b/g, '<age>'],
  [/\/run\/containerd\/s\/[0-9a-f]{64}/g, '<shim>'],
  [/snapshots\/\d+\//g, 'snapshots/<n>/'],
  [/[ \t]+/g, ' '],
  [/ $/gm, ''],
];

/** What either daemon says first of an error that comes from below it. */
const openings =
  /(?<=^ctr: |error=")(Cannot [a-z ]+ "[^"]*"( of task "[^"]*")?|failed to (create|start) shim( task)?): /gm;

/** Errors are told in each daemon's own words; that they are of the same kind is what clients go by. */
const kinds =
  /^(ctr: |.* level=\w+ msg="|.* error=").*[: ] ?(not found|already exists|failed precondition|invalid argument|unavailable|unimplemented|not implemented|out of range|aborted|unknown)(?="?$)/gm;

/** Labels and other lists of pairs come in the order of a Go map, which is none. */
const pairs = /[^\s,="]+=[^\s,"]*(,[^\s,="]+=[^\s,"]*)+/g;

export function maskOutput(text: string, { ns, dir, side }: Run): string {
  let masked = text
    .replaceAll(dir, '$dir')
    .replaceAll(side.address, '$address')
    .replaceAll(side.directory, '$daemon')
    .replaceAll(ns, '$ns');
  for (const [pattern, replacement] of always) masked = masked.replace(pattern, replacement);
  return masked
    .replace(pairs, (list) => list.split(',').sort().join(','))
    .replace(openings, '')
    .replace(kinds, '$1…: $2')
    .replace(/not implemented$/gm, 'unimplemented');
}
