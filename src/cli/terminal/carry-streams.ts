import { errnoOf, kindOf } from '#/base/errors.ts';
import type { TerminalSize } from '#/client/container-payloads.ts';
import type { RawConnection } from '#/client/http/hijack.ts';
import { asStdout, demultiplex } from '#/client/stdio-frames.ts';
import type { Context } from '#/cli/command.ts';
import { DetachScanner } from '#/cli/terminal/detach-keys.ts';
import { exitOnSignals } from '#/cli/terminal/signals.ts';
import { enterRawMode, isTerminal, onResize, terminalSize } from '#/cli/terminal/terminal.ts';

export interface StreamsOptions {
  readonly context: Context;
  readonly connection: RawConnection;
  /** The far side has a terminal: one raw stream, and keys go there one by one. */
  readonly tty: boolean;
  /** Send our standard input. */
  readonly stdin: boolean;
  readonly detachKeys: Buffer;
  readonly resize: (size: TerminalSize) => Promise<void>;
}

/** Carries bytes both ways until the far side has no more output, or the person types the detach keys. */
export async function carryStreams(options: StreamsOptions): Promise<'ended' | 'detached'> {
  const { connection, tty, stdin } = options;
  using stack = new DisposableStack();
  stack.defer(() => connection.close());
  if (stdin) stack.defer(() => void process.stdin.destroy());
  if (tty) {
    if (stdin) stack.use(enterRawMode());
    stack.use(exitOnSignals());
    stack.use(onResize((size) => void options.resize(size).catch(() => {})));
    void resizeAtStart(options.resize);
  }
  const output = carryOutput(options).then(() => 'ended' as const);
  if (!stdin) return await output;
  return await Promise.race([output, carryInput(options)]);
}

const resizeAttempts = 8;

/** The process may not be there yet for a moment; a size that cannot be set is no reason to fail. */
async function resizeAtStart(resize: StreamsOptions['resize']): Promise<void> {
  const size = terminalSize();
  if (size === undefined) return;
  for (let attempt = 0; attempt < resizeAttempts; attempt++) {
    try {
      await resize(size);
      return;
    } catch {
      await new Promise((wake) => setTimeout(wake, 20 * 2 ** attempt).unref());
    }
  }
}

async function carryOutput({ context, connection, tty }: StreamsOptions): Promise<void> {
  const chunks = tty ? asStdout(connection.incoming) : demultiplex(connection.incoming);
  for await (const { stream, data } of chunks) await (stream === 'stdout' ? context.out : context.err).write(data);
}

/** Resolves only when detached: the end of our input is passed on, and the output decides when all is over. */
async function carryInput({ connection, tty, detachKeys }: StreamsOptions): Promise<'detached'> {
  const never = new Promise<never>(() => {});
  const scanner = tty && isTerminal(0) ? new DetachScanner(detachKeys) : undefined;
  try {
    for await (const typed of process.stdin as AsyncIterable<Buffer>) {
      const { forward, detached } = scanner?.push(typed) ?? { forward: typed, detached: false };
      if (forward.length > 0) await connection.write(forward);
      if (detached) return 'detached';
    }
    connection.closeWrite();
  } catch (error) {
    // The far side is gone, or our input was closed because all is over.
    const over = kindOf(error) === 'unavailable' || errnoOf(error) !== undefined || kindOf(error) === 'cancelled';
    if (!over) throw error;
  }
  return never;
}
