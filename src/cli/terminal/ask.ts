import { EngineError } from '#/base/errors.ts';
import { readAll } from '#/client/read-all.ts';
import type { Output } from '#/cli/output.ts';
import { enterRawMode, isTerminal } from '#/cli/terminal/terminal.ts';

const longestAnswer = 64 * 1024;

/** Asks the person at the terminal; a secret is not shown as it is typed. Ctrl-c and ctrl-d give up. */
export async function ask(prompt: string, { err, secret }: { err: Output; secret: boolean }): Promise<string> {
  if (!isTerminal(0))
    throw new EngineError(
      'failed-precondition',
      `Cannot ask for "${prompt.trim()}": our input is no terminal; use "-u" and "--password-stdin"`,
    );
  err.text(prompt);
  using raw = enterRawMode();
  void raw;
  try {
    return await readTyped(err, secret);
  } finally {
    process.stdin.pause();
    err.text('\n');
  }
}

function readTyped(err: Output, secret: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed = '';
    const listener = (chunk: Buffer): void => {
      for (const key of chunk.toString()) {
        if (key === '\r' || key === '\n') return finish(() => resolve(typed));
        if (key === '\u0003' || key === '\u0004') return finish(() => reject(notAnswered()));
        if (key === '\u007F' || key === '\b') {
          if (typed !== '' && !secret) err.text('\b \b');
          typed = Array.from(typed).slice(0, -1).join('');
        } else if (key >= ' ' && typed.length < longestAnswer) {
          typed += key;
          if (!secret) err.text(key);
        }
      }
    };
    const finish = (end: () => void): void => {
      process.stdin.off('data', listener);
      end();
    };
    process.stdin.on('data', listener);
    process.stdin.resume();
  });
}

function notAnswered(): EngineError {
  return new EngineError('cancelled', 'Cannot go on: the question was not answered, nothing was changed');
}

/** What is piped into us, without its last line end. */
export async function readPipedSecret(): Promise<string> {
  const bytes = await readAll(process.stdin as AsyncIterable<Buffer>, longestAnswer);
  return bytes.toString().replace(/\r?\n$/, '');
}
