import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecInstance } from '#/engine/exec-instance.ts';

/** What the next daemon must know of a process that runs on. */
export type RememberedExec = Pick<ExecInstance, 'id' | 'namespace' | 'containerId' | 'config'>;

const fileName = 'exec.json';

/** Writes it beside the process's streams, before it is added to its container. Like those it need not outlive the machine. */
export async function rememberExec(directory: string, exec: RememberedExec): Promise<void> {
  const { id, namespace, containerId, config } = exec;
  const path = join(directory, fileName);
  await writeFile(`${path}.new`, JSON.stringify({ id, namespace, containerId, config }), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Undefined when the streams there are not those of an exec. */
export async function findRememberedExec(directory: string): Promise<RememberedExec | undefined> {
  const text = await readFile(join(directory, fileName), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as RememberedExec);
}
