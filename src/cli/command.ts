import type { Client } from '#/client/client.ts';
import type { Globals } from '#/cli/globals.ts';
import type { FlagSpecs, FlagValues } from '#/cli/flags.ts';
import type { Output } from '#/cli/output.ts';

/** What every command is given. */
export interface Context {
  readonly out: Output;
  readonly err: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly globals: Pick<Globals, 'namespace' | 'state' | 'host'>;
  /** The daemon; the first call connects, and starts berthd where that is ours to do. */
  readonly connect: () => Promise<Client>;
}

export interface Invocation<Specs extends FlagSpecs> {
  readonly context: Context;
  readonly flags: FlagValues<Specs>;
  /** Which flags were written out. */
  readonly given: ReadonlySet<string>;
  readonly args: readonly string[];
}

export interface Arity {
  readonly least: number;
  readonly most: number;
}

export const noArguments: Arity = { least: 0, most: 0 };
export const exactly = (count: number): Arity => ({ least: count, most: count });
export const atLeast = (least: number): Arity => ({ least, most: Number.POSITIVE_INFINITY });
export const between = (least: number, most: number): Arity => ({ least, most });

export interface CommandSpec<Specs extends FlagSpecs> {
  /** After the command's name: `[OPTIONS] CONTAINER [CONTAINER...]`. */
  readonly usage: string;
  /** One line. */
  readonly about: string;
  /** Lines for the end of `--help`. */
  readonly examples?: readonly string[];
  readonly flags: Specs;
  readonly arity: Arity;
  /** Flags end at the first argument, because what follows is another program's command line. */
  readonly stopAtFirst?: boolean;
  /** The exit code; nothing means 0. */
  readonly run: (invocation: Invocation<Specs>) => Promise<number | void>;
}

/** A command whose flag types were forgotten, so that all fit into one table. */
export interface Command extends Omit<CommandSpec<FlagSpecs>, 'run'> {
  readonly run: (invocation: Invocation<FlagSpecs>) => Promise<number | void>;
}

/** Ties the types of `run` to those of `flags`. */
export function defineCommand<const Specs extends FlagSpecs>(spec: CommandSpec<Specs>): Command {
  // The parser makes the values from these very specs, so they fit them.
  return { ...spec, run: (invocation) => spec.run(invocation as unknown as Invocation<Specs>) };
}
