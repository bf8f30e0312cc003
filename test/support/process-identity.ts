import { readFile } from 'node:fs/promises';

/** Tells a process from a later one with the same number; undefined when it is gone, or only its exit code is left. */
export async function processIdentity(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // proc_pid_stat(5): after the command in parentheses come the state, and 19 fields later the start time.
  const words = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  return words.length === 0 || words[0] === 'Z' ? undefined : `${pid}@${words[19]}`;
}

export async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0);
}
