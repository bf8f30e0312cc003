import { boolean, text, type FlagsFor, type FlagSpecs } from '#/cli/flags.ts';
import type { ParsedFlags } from '#/cli/parse-flags.ts';

export interface Globals {
  readonly namespace: string | undefined;
  readonly state: string | undefined;
  readonly host: string | undefined;
  readonly debug: boolean;
  readonly help: boolean;
}

/** Options of berth itself: before the command, or after it where the command's own flags leave the name free. */
export const globalFlags: FlagsFor<Globals> = {
  namespace: text('n', 'NAMESPACE', 'Containerd namespace to work in'),
  state: text('', 'DIR', 'State directory of the daemon to talk to (default "/run/berth")'),
  host: text('H', 'SOCKET', 'Daemon to talk to, as unix:///path/to.sock'),
  debug: boolean('D', 'Show requests, and where errors came from'),
  help: boolean('h', 'Show this help'),
};

/** A command's flags together with the global ones; a short name goes to the command that claims it. */
export function withGlobalFlags(own: FlagSpecs): FlagSpecs {
  const taken = new Set(Object.values(own).map((spec) => spec.short));
  const merged: Record<string, FlagSpecs[string]> = {};
  for (const [name, spec] of Object.entries<FlagSpecs[string]>(globalFlags)) {
    const { short, ...rest } = spec;
    merged[name] = short === undefined || taken.has(short) ? rest : spec;
  }
  return { ...merged, ...own };
}

/** The last word wins: what follows the command over what precedes it. */
export function readGlobals(before: ParsedFlags, after?: ParsedFlags): Globals {
  const pick = (name: string): unknown =>
    after !== undefined && after.given.has(name) ? after.values[name] : before.values[name];
  const textOf = (name: string): string | undefined => {
    const value = pick(name);
    return typeof value === 'string' ? value : undefined;
  };
  return {
    namespace: textOf('namespace'),
    state: textOf('state'),
    host: textOf('host'),
    debug: pick('debug') === true,
    help: pick('help') === true,
  };
}
