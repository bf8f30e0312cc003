import type { Arity } from '#/cli/command.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import type { CtrGlobals } from '#/cli/ctr/ctr-globals.ts';
import type { FlagSpecs, FlagValues } from '#/cli/flags.ts';
import type { Output } from '#/cli/output.ts';

/** What every command of `berth ctr` is given. */
export interface CtrInvocation<Specs extends FlagSpecs> {
  readonly flags: FlagValues<Specs>;
  /** Which flags were written out. */
  readonly given: ReadonlySet<string>;
  readonly args: readonly string[];
  readonly globals: CtrGlobals;
  readonly out: Output;
  readonly err: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The daemon; the first call connects, and starts berthd where that is ours to do. */
  readonly connect: () => Promise<ContainerdClient>;
}

export interface CtrCommandSpec<Specs extends FlagSpecs> {
  /** After the command's name: `[OPTIONS] CONTAINER`. */
  readonly usage: string;
  readonly about: string;
  /** Lines for the end of `--help`. */
  readonly examples?: readonly string[];
  readonly flags: Specs;
  readonly arity: Arity;
  /** Flags end at the first argument, because what follows is another program's command line. */
  readonly stopAtFirst?: boolean;
  /** The exit code; nothing means 0. */
  readonly run: (invocation: CtrInvocation<Specs>) => Promise<number | void>;
}

/** A command whose flag types were forgotten, so that all fit into one tree. */
export interface CtrCommand extends Omit<CtrCommandSpec<FlagSpecs>, 'run'> {
  readonly run: (invocation: CtrInvocation<FlagSpecs>) => Promise<number | void>;
}

/** Ties the types of `run` to those of `flags`. */
export function defineCtr<const Specs extends FlagSpecs>(spec: CtrCommandSpec<Specs>): CtrCommand {
  // The parser makes the values from these very specs, so they fit them.
  return { ...spec, run: (invocation) => spec.run(invocation as unknown as CtrInvocation<Specs>) };
}
