import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import type { PathLike } from '#/linux/addon.ts';

/** What a failed call worked on, as Node's own errors tell it. */
export interface CallSubject {
  readonly path?: PathLike;
  readonly dest?: PathLike;
}

/** Numbers that Node's table of names lacks. */
const others: Readonly<Record<number, string>> = { 15: 'ENOTBLK', 117: 'EUCLEAN', 123: 'ENOMEDIUM', 126: 'ENOKEY' };

function nameOf(errno: number): string {
  const [known] = getSystemErrorMap().get(-errno) ?? [];
  if (known !== undefined) return known;
  const entry = Object.entries(constants.errno).find(([, number]) => number === errno);
  return entry?.[0] ?? others[errno] ?? `E${errno}`;
}

/**
 * The error of a failed kernel call, with `code` ("ENOENT"), `errno` (negative, as Node has it), `syscall` and what it
 * was about: the shape of the errors of node:fs. `result` is the negative number that the addon returned.
 */
export function errnoError(result: number, syscall: string, subject: CallSubject = {}): NodeJS.ErrnoException {
  const code = nameOf(-result);
  const [, text = code] = getSystemErrorMap().get(result) ?? [];
  const path = subject.path === undefined ? {} : { path: textOf(subject.path) };
  const dest = subject.dest === undefined ? {} : { dest: textOf(subject.dest) };
  const about = path.path === undefined ? '' : ` '${path.path}'`;
  const to = dest.dest === undefined ? '' : ` -> '${dest.dest}'`;
  return Object.assign(new Error(`${code}: ${text}, ${syscall}${about}${to}`), {
    code,
    errno: result,
    syscall,
    ...path,
    ...dest,
  });
}

function textOf(path: PathLike): string {
  return typeof path === 'string' ? path : Buffer.from(path).toString();
}

/** Gives the result of a kernel call back, or throws the error that it stands for. */
export function checkCall(result: number, syscall: string, subject?: CallSubject): number {
  if (result < 0) throw errnoError(result, syscall, subject);
  return result;
}
