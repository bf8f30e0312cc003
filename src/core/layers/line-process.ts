import type { Readable } from 'node:stream';
import { openChildPipe } from '#/linux/pipe.ts';
import { spawn, type ExitStatus, type SpawnOptions } from '#/linux/spawn.ts';

/** A process that reads lines from its standard input and answers by lines on descriptor 3. */
export interface LineProcess {
  readonly exited: Promise<ExitStatus>;
  send(line: string): void;
  /** Ends its input. */
  end(): void;
  kill(): void;
  /** The last of what it wrote to standard error. */
  errorText(): string;
}

export interface LineProcessOptions extends Pick<SpawnOptions, 'file' | 'args' | 'env'> {
  /** May throw: then, as for a line that is too long, the process has gone wrong and is killed. */
  readonly onLine: (line: string) => void;
  readonly maxLine: number;
}

const killSignal = 9;
const keptErrorText = 4096;

export function startLineProcess({ file, args, env, onLine, maxLine }: LineProcessOptions): LineProcess {
  const input = openChildPipe('to-child');
  const output = openChildPipe('from-child');
  const errors = openChildPipe('from-child');
  const pipes = [input, output, errors];
  try {
    const child = spawn({ file, args, env, stdio: [input.fd, 'ignore', errors.fd, output.fd], detached: true });
    for (const pipe of pipes) pipe.release();
    const kill = (): void => void child.kill(killSignal);
    // Nothing is to be said to a process that is gone; its exit is what counts.
    for (const { stream } of pipes) stream.on('error', () => stream.destroy());
    let errorText = '';
    errors.stream.setEncoding('utf8').on('data', (text: string) => {
      errorText = (errorText + text).slice(-keptErrorText);
    });
    readLines(output.stream, { onLine, maxLine, onNonsense: kill });
    const exited = Promise.all([child.exited, closed(output.stream), closed(errors.stream)]);
    return {
      exited: exited.then(([status]) => status).finally(() => input.stream.destroy()),
      send: (line) => void input.stream.write(`${line}\n`),
      end: () => void input.stream.end(),
      kill,
      errorText: () => errorText.trim(),
    };
  } catch (error) {
    for (const pipe of pipes) pipe[Symbol.dispose]();
    throw error;
  }
}

/** Its threads end with it, so nobody can keep its pipes open. */
function closed(stream: Readable): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve));
}

interface LineReader extends Pick<LineProcessOptions, 'onLine' | 'maxLine'> {
  readonly onNonsense: () => void;
}

function readLines(stream: Readable, { onLine, maxLine, onNonsense }: LineReader): void {
  let pending = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (pending + text).split('\n');
    pending = lines.pop() ?? '';
    try {
      for (const line of lines) onLine(line);
    } catch {
      onNonsense();
    }
    if (pending.length > maxLine) onNonsense();
  });
}
