import { messageOf } from '#/base/errors.ts';
import type { Client } from '#/client/client.ts';
import type { Command, Context } from '#/cli/command.ts';
import { commandGroups, commandTable, subprograms } from '#/cli/command-table.ts';
import { globalFlags, readGlobals, withGlobalFlags, type Globals } from '#/cli/globals.ts';
import { describeMissing } from '#/cli/missing-commands.ts';
import { BrokenPipe, openOutput } from '#/cli/output.ts';
import { parseFlags, type ParsedFlags } from '#/cli/parse-flags.ts';
import { suggest } from '#/cli/suggest.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { version } from '#/cli/version-number.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a shell shows for a program that died of SIGPIPE. */
const brokenPipeCode = 141;

/** Runs one command line; the exit code. Everything that people read is printed from here on down. */
export async function runProgram(words: readonly string[], env: Environment): Promise<number> {
  const err = openOutput(2);
  const session: Session = { words, env, title: 'berth', debug: false };
  try {
    return await runSession(session);
  } catch (error) {
    if (error instanceof BrokenPipe) return brokenPipeCode;
    if (error instanceof UsageError) {
      err.line(`berth: ${error.message}\nRun '${session.title} --help' for more information`);
      return error.exitCode;
    }
    const message = messageOf(error);
    err.line(message.startsWith('Error response from daemon:') ? message : `berth: ${message}`);
    if (session.debug && error instanceof Error) err.line(error.stack ?? '');
    return 1;
  }
}

interface Session {
  readonly words: readonly string[];
  readonly env: Environment;
  /** As far as the command is known: for error messages. */
  title: string;
  debug: boolean;
}

const topFlags = { ...globalFlags, version: { kind: 'boolean', short: 'v', about: 'Show the version' } } as const;

async function runSession(session: Session): Promise<number> {
  const before = parseFlags(session.words, topFlags, { stopAtFirst: true });
  if (before.values['version'] === true) {
    openOutput(1).line(`berth version ${version}`);
    return 0;
  }
  const [first, ...rest] = before.rest;
  if (first === undefined || first === 'help' || before.values['help'] === true)
    return showHelp(session, first === 'help' ? rest : before.rest);
  if (Object.hasOwn(subprograms, first)) return runSubprogram(session, first, { before, rest });
  const found = findCommand(session, before.rest);
  if (found === undefined) return showHelp(session, before.rest);
  session.title = `berth ${found.title}`;
  return runCommand(session, { command: await found.load(), words: found.words, before });
}

async function runSubprogram(
  { env }: Session,
  name: string,
  { before, rest }: { readonly before: ParsedFlags; readonly rest: readonly string[] },
): Promise<number> {
  const { namespace, state, host } = readGlobals(before);
  if (host !== undefined)
    throw new UsageError(`"--host" names a Docker socket; "berth ${name}" takes "--address" or "--state" for its own`);
  const run = await subprograms[name]?.load();
  return (await run?.({ words: rest, env, outer: { namespace, state } })) ?? 1;
}

interface Found {
  readonly title: string;
  readonly load: () => Promise<Command>;
  readonly words: readonly string[];
}

/** Undefined for a group without a known subcommand after it. Throws UsageError for what is no command. */
function findCommand(session: Session, words: readonly string[]): Found | undefined {
  const [first = '', second, ...rest] = words;
  const own = Object.hasOwn(commandTable, first) ? commandTable[first] : undefined;
  if (own !== undefined) return { title: first, load: own.load, words: words.slice(1) };
  const group = Object.hasOwn(commandGroups, first) ? commandGroups[first] : undefined;
  if (group === undefined)
    throw unknownCommand(first, [
      ...Object.keys(commandTable),
      ...Object.keys(commandGroups),
      ...Object.keys(subprograms),
    ]);
  if (second === undefined || second === '--help' || second === '-h') return undefined;
  session.title = `berth ${first}`;
  const grouped = Object.hasOwn(group, second) ? group[second] : undefined;
  const target = grouped === undefined ? undefined : commandTable[grouped.name];
  if (grouped === undefined || target === undefined)
    throw unknownCommand(`${first} ${second}`, Object.keys(group), first);
  return { title: `${first} ${second}`, load: target.load, words: [...(grouped.words ?? []), ...rest] };
}

function unknownCommand(shown: string, candidates: readonly string[], group?: string): UsageError {
  const missing = describeMissing(shown);
  if (missing !== undefined) return new UsageError(missing, 1);
  const near = suggest(shown.split(' ').at(-1) ?? '', candidates);
  const whole = group === undefined ? `berth ${near}` : `berth ${group} ${near}`;
  return new UsageError(`"${shown}" is no command${near === undefined ? '' : `; did you mean "${whole}"?`}`, 1);
}

interface CommandRun {
  readonly command: Command;
  readonly words: readonly string[];
  readonly before: ParsedFlags;
}

async function runCommand(session: Session, { command, words, before }: CommandRun): Promise<number> {
  const parsed = parseFlags(words, withGlobalFlags(command.flags), { stopAtFirst: command.stopAtFirst ?? false });
  const globals = readGlobals(before, parsed);
  session.debug = globals.debug;
  if (globals.help) {
    const { commandHelp, helpStyle } = await import('#/cli/help.ts');
    openOutput(1).text(commandHelp(session.title, command, helpStyle(session.env)));
    return 0;
  }
  checkArity(session.title, command, parsed.rest);
  const code = await command.run({
    context: createContext(globals, session.env),
    flags: parsed.values,
    given: parsed.given,
    args: parsed.rest,
  });
  return code ?? 0;
}

function createContext(globals: Globals, env: Environment): Context {
  const err = openOutput(2);
  let client: Promise<Client> | undefined;
  const connect = async (): Promise<Client> => {
    const { connectToDaemon } = await import('#/cli/connect.ts');
    return connectToDaemon({ globals, env, err });
  };
  return { out: openOutput(1), err, env, globals, connect: () => (client ??= connect()) };
}

function checkArity(title: string, { arity, usage }: Command, args: readonly string[]): void {
  const { least, most } = arity;
  if (args.length >= least && args.length <= most) return;
  const count = (number: number): string => `${number} argument${number === 1 ? '' : 's'}`;
  const wanted =
    most === 0
      ? 'no arguments'
      : least === most
        ? `exactly ${count(least)}`
        : args.length < least
          ? `at least ${count(least)}`
          : `at most ${count(most)}`;
  throw new UsageError(`"${title}" takes ${wanted}\nUsage: ${title} ${usage}`, 1);
}

async function showHelp(session: Session, topic: readonly string[]): Promise<number> {
  const { commandHelp, groupHelp, helpStyle, programHelp } = await import('#/cli/help.ts');
  const out = openOutput(1);
  const style = helpStyle(session.env);
  if (topic.length === 0) {
    out.text(programHelp(style));
    return 0;
  }
  const [name = ''] = topic;
  if (Object.hasOwn(subprograms, name))
    return runSubprogram(session, name, {
      before: parseFlags([], topFlags, { stopAtFirst: true }),
      rest: [...topic.slice(1), '--help'],
    });
  const found = findCommand(session, topic);
  if (found === undefined) out.text(groupHelp(topic[0] ?? '', style));
  else out.text(commandHelp(`berth ${found.title}`, await found.load(), style));
  return 0;
}
