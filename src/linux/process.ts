import { readFile } from 'node:fs/promises';
import { EngineError, errnoOf } from '#/base/errors.ts';

/** What /proc says of a process: proc_pid_stat(5). */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** The name of its program, at most 15 bytes. */
  readonly command: string;
  /** "R", "S", "D", "T", "Z"… */
  readonly state: string;
  /** Clock ticks from boot to its start: with the pid, the identity of a process that no later one can have. */
  readonly startTime: bigint;
}

/** Undefined when there is no such process; a zombie is one. */
export async function findProcess(pid: number): Promise<ProcessFacts | undefined> {
  try {
    return parseStat(await readFile(`/proc/${checkPid(pid)}/stat`, 'utf8'));
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** The command is in parentheses and may have any characters in it, parentheses too. */
export function parseStat(text: string): ProcessFacts {
  const [open, close] = [text.indexOf('('), text.lastIndexOf(')')];
  const rest = text.slice(close + 2).split(' ');
  const [state = '', parent = ''] = rest;
  return {
    pid: Number(text.slice(0, open - 1)),
    parent: Number(parent),
    command: text.slice(open + 1, close),
    state,
    startTime: BigInt(rest[19] ?? ''),
  };
}

/** Whether it runs: not a zombie, and the one that started at `startTime` when that is given. */
export async function isAlive(pid: number, startTime?: bigint): Promise<boolean> {
  const found = await findProcess(pid);
  if (found === undefined || found.state === 'Z' || found.state === 'X') return false;
  return startTime === undefined || found.startTime === startTime;
}

/** Sends a signal to one process; false when there is none. For a child use its own `kill`, which cannot hit another. */
export function signal(pid: number, number: number): boolean {
  try {
    return process.kill(checkPid(pid), number);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
    throw error;
  }
}

/** 0 and negative numbers mean groups, or everybody. */
function checkPid(pid: number): number {
  if (Number.isSafeInteger(pid) && pid > 0) return pid;
  throw new EngineError('invalid-argument', `Cannot look for process "${pid}": a pid is a whole number above 0`);
}
