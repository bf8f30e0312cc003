import { describeFailure, messageOf } from '#/base/errors.ts';
import type { Client } from '#/client/client.ts';
import type { WaitResult } from '#/client/container-payloads.ts';
import type { RawConnection } from '#/client/http/hijack.ts';
import type { Context } from '#/cli/command.ts';
import { carryStreams } from '#/cli/terminal/carry-streams.ts';
import { proxySignals } from '#/cli/terminal/signals.ts';
import { visible } from '#/cli/render/text-width.ts';

export interface AttachedRun {
  readonly context: Context;
  readonly client: Client;
  readonly id: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Send the signals that we get to the container. */
  readonly proxy: boolean;
  readonly detachKeys: Buffer;
  /** The daemon removes the container at its end: its exit code comes with the removal. */
  readonly autoRemove: boolean;
}

/** Attaches, then waits, then starts, so that nothing of a short life is missed. The container's exit code. */
export async function runAttached(run: AttachedRun): Promise<number> {
  const { client, id, stdin, stdout, stderr } = run;
  const attached = stdin || stdout || stderr;
  using stack = new DisposableStack();
  const connection = attached ? await client.containers.attach(id, { stdin, stdout, stderr }) : undefined;
  if (connection !== undefined) stack.use(connection);
  const waiting = await client.containers.wait(id, run.autoRemove ? 'removed' : 'next-exit');
  await startOrCleanUp(run, waiting.result);
  return await followToEnd(run, connection, waiting.result);
}

const removalPatience = 10_000;

async function startOrCleanUp({ client, id, autoRemove }: AttachedRun, result: Promise<WaitResult>): Promise<void> {
  try {
    await client.containers.start(id);
  } catch (error) {
    if (autoRemove)
      await Promise.race([result.catch(() => {}), new Promise((wake) => setTimeout(wake, removalPatience))]);
    throw error;
  }
}

/** What is left once the container runs: streams and signals until it ends or the person lets go. */
export async function followToEnd(
  run: AttachedRun,
  connection: RawConnection | undefined,
  result: Promise<WaitResult>,
): Promise<number> {
  const { context, client, id, tty, stdin, detachKeys } = run;
  using stack = new DisposableStack();
  if (run.proxy && !tty) stack.use(proxySignals((signal) => client.containers.kill(id, signal)));
  if (connection !== undefined) {
    const resize = (size: Parameters<Client['containers']['resize']>[1]): Promise<void> =>
      client.containers.resize(id, size);
    const end = await carryStreams({ context, connection, tty, stdin, detachKeys, resize });
    if (end === 'detached') {
      context.err.line(`\nberth: detached; "berth attach ${id.slice(0, 12)}" comes back to it`);
      return 0;
    }
  }
  const ended = await result.catch((error: unknown) => {
    throw describeFailure(`Cannot learn the exit code of container "${id.slice(0, 12)}"`, error);
  });
  const message = ended.Error?.Message ?? '';
  if (message !== '') context.err.line(`berth: Error while waiting for container: ${visible(message)}`);
  return ended.StatusCode;
}

/** docker's codes for what could not be run at all: 127 not found, 126 not executable, 125 anything else. */
export function exitCodeOfFailure(error: unknown): number {
  const message = messageOf(error);
  if (/executable file not found|no such file or directory/i.test(message)) return 127;
  if (/permission denied|is a directory|exec format error/i.test(message)) return 126;
  return 125;
}
