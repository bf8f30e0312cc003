import { readFile } from 'node:fs/promises';

/** Another one after each start of the machine: what was only in memory under an earlier one is lost. */
export async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
