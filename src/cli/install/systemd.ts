import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { EngineError } from '#/base/errors.ts';

/** True where systemd is the first process of the machine that the prefix stands for. */
export async function runsSystemd(prefix: string): Promise<boolean> {
  if (prefix !== '/') return false;
  return await stat('/run/systemd/system').then(
    (found) => found.isDirectory(),
    () => false,
  );
}

export async function systemctl(...words: readonly string[]): Promise<void> {
  const child = spawn('systemctl', words, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new EngineError('unknown', `Cannot run "systemctl ${words.join(' ')}": it ended with ${code}`);
}
