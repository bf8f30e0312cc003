import { errnoOf, EngineError } from '#/base/errors.ts';
import { run } from '#/linux/spawn.ts';
import { isRunning } from '#/engine/container-record.ts';
import type { EngineContext } from '#/engine/context.ts';
import { findContainer } from '#/engine/find-container.ts';

export interface ProcessTable {
  readonly titles: readonly string[];
  readonly processes: readonly (readonly string[])[];
}

/** Words that `ps` may be given: no paths, no shell, nothing that writes. */
const harmless = /^[-\w,=%:+]*$/;

/** The processes of a running container, as the host's `ps` shows them. */
export async function containerProcesses(
  context: EngineContext,
  namespace: string,
  name: string,
  psArguments: string,
): Promise<ProcessTable> {
  const container = findContainer(context, namespace, name);
  if (!isRunning(container.state)) throw new EngineError('conflict', `Container ${container.id} is not running`);
  const pids = new Set((await context.tasks.pids(namespace, container.id)).map(({ pid }) => String(pid)));
  const words = psArguments.split(/\s+/).filter((word) => word !== '');
  const odd = words.find((word) => !harmless.test(word));
  if (odd !== undefined)
    throw new EngineError(
      'invalid-argument',
      `Cannot pass ${JSON.stringify(odd)} to ps: only plain options are allowed`,
    );
  return keepProcesses(await psOutput(words.length === 0 ? ['-ef'] : words), pids);
}

async function psOutput(args: readonly string[]): Promise<string> {
  try {
    const { code, stdout, stderr } = await run({
      file: '/bin/ps',
      args: [...args],
      env: { LANG: 'C', PATH: '/usr/bin:/bin' },
      timeoutMs: 10_000,
      maxOutput: 16 * 1024 * 1024,
    });
    if (code !== 0)
      throw new EngineError(
        'invalid-argument',
        `Cannot list processes: ps ${args.join(' ')}: ${stderr.toString().trim()}`,
      );
    return stdout.toString();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new EngineError(
      'failed-precondition',
      'Cannot list processes: this host has no ps; install the package procps',
      { cause: error },
    );
  }
}

/** The rows whose PID column names one of ours. */
export function keepProcesses(output: string, pids: ReadonlySet<string>): ProcessTable {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const titles = (lines[0] ?? '').trim().split(/\s+/);
  const column = titles.indexOf('PID');
  if (column < 0)
    throw new EngineError(
      'invalid-argument',
      'Cannot list processes: Couldn\'t find PID field in ps output; ask for the column "pid" too',
    );
  const processes = lines.slice(1).map((line) => splitRow(line, titles.length));
  return { titles, processes: processes.filter((row) => pids.has(row[column] ?? '')) };
}

/** The last column may hold spaces. */
function splitRow(line: string, columns: number): string[] {
  const words = line.trim().split(/\s+/);
  return [...words.slice(0, columns - 1), words.slice(columns - 1).join(' ')];
}
