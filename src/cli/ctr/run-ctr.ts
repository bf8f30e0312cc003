/** `berth ctr`: containerd's own command line, spoken by a client of its gRPC API. */
import { messageOf } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import type { CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { ctrGlobalFlags, readCtrGlobals, withOuterFlags, type CtrGlobals } from '#/cli/ctr/ctr-globals.ts';
import { ctrTree, findBelow, findChild, type CtrNode } from '#/cli/ctr/ctr-tree.ts';
import type { FlagSpecs } from '#/cli/flags.ts';
import { boolean } from '#/cli/flags.ts';
import { BrokenPipe, openOutput, type Output } from '#/cli/output.ts';
import { parseFlags, type FlagValue, type ParsedFlags } from '#/cli/parse-flags.ts';
import { suggest } from '#/cli/suggest.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { version } from '#/cli/version-number.ts';

export interface CtrStart {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What stood before `ctr` on berth's own command line. */
  readonly outer: { readonly namespace: string | undefined; readonly state: string | undefined };
}

/** What a shell shows for a program that died of SIGPIPE. */
const brokenPipeCode = 141;

/** Runs one command line; the exit code. */
export async function runCtr(start: CtrStart): Promise<number> {
  const err = openOutput(2);
  const session: Session = { ...start, err, title: 'berth ctr', debug: false };
  try {
    return await runSession(session);
  } catch (error) {
    if (error instanceof BrokenPipe) return brokenPipeCode;
    err.line(`berth ctr: ${messageOf(error)}`);
    if (error instanceof UsageError) err.line(`Run '${session.title} --help' for more information`);
    else if (session.debug && error instanceof Error) err.line(error.stack ?? '');
    return 1;
  }
}

interface Session extends CtrStart {
  readonly err: Output;
  /** As far as the command is known: for error messages. */
  title: string;
  debug: boolean;
}

const topFlags = { version: boolean('v', 'Show the version of this client') };

async function runSession(session: Session): Promise<number> {
  const found = findCommand(session);
  if (found.values['version'] === true && found.node.kind === 'group') {
    openOutput(1).line(`berth ctr version ${version}`);
    return 0;
  }
  if (found.node.kind === 'group') return showGroupHelp(session, found);
  return runCommand(session, found, await found.node.load());
}

interface Found {
  readonly node: CtrNode;
  /** Flags of the groups above, and of berth ctr itself. */
  readonly outerFlags: readonly FlagSpecs[];
  /** What was given before the command's name. */
  readonly values: Readonly<Record<string, FlagValue>>;
  readonly given: ReadonlySet<string>;
  readonly words: readonly string[];
}

const root: CtrNode = { kind: 'group', about: '', aliases: [], flags: {}, children: ctrTree };

/** Follows the words down the tree as far as they name something. Throws UsageError for what is no command. */
function findCommand(session: Session): Found {
  const { namespace, state } = session.outer;
  let found: Found = {
    node: root,
    outerFlags: [ctrGlobalFlags],
    values: { namespace, state },
    given: new Set(),
    words: session.words,
  };
  while (found.node.kind === 'group') {
    const { node, outerFlags } = found;
    const own = withOuterFlags(node.flags, ...outerFlags, ...(node === root ? [topFlags] : []));
    const parsed = parseFlags(found.words, own, { stopAtFirst: true, goDashes: true });
    const { values, given } = laterWins(found, parsed);
    const [word, ...rest] = parsed.rest;
    if (word === undefined || values['help'] === true) return { ...found, values, given, words: [] };
    if (word === 'help' || word === 'h') return { ...found, values: { ...values, help: true }, given, words: rest };
    const child = findChild(node.children, word);
    if (child === undefined) throw unknownCommand(session, node.children, word);
    session.title += ` ${child.name}`;
    const flags = node === root ? outerFlags : [node.flags, ...outerFlags];
    found = { node: child.node, outerFlags: flags, values, given, words: rest };
  }
  return found;
}

function laterWins(
  before: Pick<Found, 'values' | 'given'>,
  after: ParsedFlags,
): { readonly values: Readonly<Record<string, FlagValue>>; readonly given: ReadonlySet<string> } {
  const later = Object.entries(after.values).filter(([name]) => after.given.has(name) || !(name in before.values));
  return {
    values: { ...before.values, ...Object.fromEntries(later) },
    given: new Set([...before.given, ...after.given]),
  };
}

function unknownCommand(session: Session, children: Readonly<Record<string, CtrNode>>, word: string): UsageError {
  const names = Object.entries(children).flatMap(([name, node]) => [name, ...node.aliases]);
  const elsewhere = findBelow(children, word);
  const near = elsewhere.length > 0 ? elsewhere : [suggest(word, names)].filter((name) => name !== undefined);
  const hints = near.map((name) => `"${session.title} ${name}"`).join(' or ');
  return new UsageError(`"${session.title} ${word}" is no command${hints && `; did you mean ${hints}?`}`, 1);
}

async function runCommand(session: Session, found: Found, command: CtrCommand): Promise<number> {
  const flags = withOuterFlags(command.flags, ...found.outerFlags);
  const parsed = parseFlags(found.words, flags, { stopAtFirst: command.stopAtFirst ?? false, goDashes: true });
  const isForeign = (name: string): boolean =>
    Object.hasOwn(command.flags, name) && !found.outerFlags.some((specs) => specs[name] === command.flags[name]);
  const before = without(found.values, isForeign);
  const { values, given } = laterWins(
    { values: before, given: new Set([...found.given].filter((name) => !isForeign(name))) },
    parsed,
  );
  const globals = readCtrGlobals({ ...found.values, ...without(values, isForeign) }, session.env);
  session.debug = globals.debug;
  if (globals.help) {
    const { ctrCommandHelp } = await import('#/cli/ctr/ctr-help.ts');
    openOutput(1).text(ctrCommandHelp(session.title, command, found.outerFlags));
    return 0;
  }
  checkArity(session.title, command, parsed.rest);
  const { env, err } = session;
  await using link = openLink(session, globals);
  const { connect } = link;
  const code = await command.run({
    flags: values,
    given,
    args: parsed.rest,
    globals,
    out: openOutput(1),
    err,
    env,
    connect,
  });
  return code ?? 0;
}

/** A command's own flag is not the group's or the global one of the same name. */
function without(
  values: Readonly<Record<string, FlagValue>>,
  isForeign: (name: string) => boolean,
): Record<string, FlagValue> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !isForeign(name)));
}

interface Link extends AsyncDisposable {
  readonly connect: () => Promise<ContainerdClient>;
}

/** Connects at the first call, and closes what was opened. */
function openLink(session: Session, globals: CtrGlobals): Link {
  const { env, err } = session;
  const signal = globals.timeoutMs === undefined ? undefined : AbortSignal.timeout(globals.timeoutMs);
  let client: Promise<ContainerdClient> | undefined;
  const connect = async (): Promise<ContainerdClient> => {
    const { connectToContainerd } = await import('#/cli/ctr/connect-containerd.ts');
    return connectToContainerd({ globals, env, err, signal });
  };
  return {
    connect: () => (client ??= connect()),
    [Symbol.asyncDispose]: async () => {
      const opened = await client?.catch(() => undefined);
      await opened?.[Symbol.asyncDispose]();
    },
  };
}

function checkArity(title: string, { arity, usage }: CtrCommand, args: readonly string[]): void {
  if (args.length >= arity.least && args.length <= arity.most) return;
  const why = args.length < arity.least ? 'is missing an argument' : `does not take "${args[arity.most] ?? ''}"`;
  throw new UsageError(`"${title}" ${why}\nUsage: ${title} ${usage}`, 1);
}

async function showGroupHelp(session: Session, { node, words, outerFlags }: Found): Promise<number> {
  const { ctrCommandHelp, ctrGroupHelp, ctrProgramHelp } = await import('#/cli/ctr/ctr-help.ts');
  const out = openOutput(1);
  const [word] = words;
  const child = word === undefined || node.kind !== 'group' ? undefined : findChild(node.children, word);
  if (word !== undefined && child === undefined && node.kind === 'group')
    throw unknownCommand(session, node.children, word);
  const shown = child?.node ?? node;
  const title = child === undefined ? session.title : `${session.title} ${child.name}`;
  if (shown === root) out.text(ctrProgramHelp());
  else if (shown.kind === 'group') out.text(ctrGroupHelp(title, shown));
  else out.text(ctrCommandHelp(title, await shown.load(), outerFlags));
  return 0;
}
