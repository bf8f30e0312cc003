/** Every subcommand that a ctr has, by asking its help all the way down. */
import { runCommand } from '../../support/run-command.ts';

export async function listSubcommands(program: string, path: readonly string[] = []): Promise<string[]> {
  const { stdout } = await runCommand(program, [...path, '--help']);
  const names = namesIn(stdout);
  if (names.length === 0) return [path.join(' ')];
  const lists = await Promise.all(names.map((name) => listSubcommands(program, [...path, name])));
  return lists.flat();
}

/** First names in the "COMMANDS" block; `help` is not one of them. */
function namesIn(help: string): string[] {
  const block = /\nCOMMANDS:\n([\s\S]*?)(?:\n\n[A-Z ]+:|$)/.exec(help)?.[1] ?? '';
  return [...block.matchAll(/^ {3}([a-z][a-z-]*)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
}
