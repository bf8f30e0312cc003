import { messageOf } from '#/base/errors.ts';
import type { Context } from '#/cli/command.ts';

const mostAtOnce = 16;

/**
 * Does one thing to many names, some at a time, and prints what each returns (its name, mostly), in order. A
 * failure is told and does not stop the others. The exit code.
 */
export async function eachName(
  { out, err }: Pick<Context, 'out' | 'err'>,
  names: readonly string[],
  act: (name: string) => Promise<string | undefined>,
): Promise<number> {
  let failed = false;
  const running: Promise<Outcome>[] = [];
  const report = async (outcome: Promise<Outcome> | undefined): Promise<void> => {
    const ended = await outcome;
    if (ended?.text === undefined) return;
    if (ended.kind === 'done') return out.line(ended.text);
    failed = true;
    err.line(ended.text);
  };
  for (const name of names) {
    running.push(outcomeOf(name, act));
    if (running.length >= mostAtOnce) await report(running.shift());
  }
  for (const outcome of running) await report(outcome);
  return failed ? 1 : 0;
}

interface Outcome {
  readonly kind: 'done' | 'failed';
  readonly text: string | undefined;
}

async function outcomeOf(name: string, act: (name: string) => Promise<string | undefined>): Promise<Outcome> {
  try {
    return { kind: 'done', text: await act(name) };
  } catch (error) {
    const text = messageOf(error);
    return { kind: 'failed', text: text.startsWith('Error response') ? text : `berth: ${text}` };
  }
}
