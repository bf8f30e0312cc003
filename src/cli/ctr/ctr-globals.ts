import { boolean, text, type FlagsFor, type FlagSpecs } from '#/cli/flags.ts';
import type { FlagValue } from '#/cli/parse-flags.ts';
import { parseDuration } from '#/cli/quantities.ts';
import { UsageError } from '#/cli/usage-error.ts';

/** The options of `berth ctr` itself, as given; empty texts count as not given. */
interface GlobalValues {
  readonly address: string | undefined;
  readonly namespace: string | undefined;
  readonly state: string | undefined;
  readonly timeout: string | undefined;
  readonly 'connect-timeout': string | undefined;
  readonly debug: boolean;
  readonly help: boolean;
}

export interface CtrGlobals {
  /** A socket that was asked for by name; without one it is our own daemon's. */
  readonly address: string | undefined;
  readonly state: string | undefined;
  readonly namespace: string;
  /** For the whole command, in milliseconds. */
  readonly timeoutMs: number | undefined;
  readonly connectTimeoutMs: number;
  readonly debug: boolean;
  readonly help: boolean;
}

/** Before the command or after it, where the command's own flags leave the name free. */
export const ctrGlobalFlags: FlagsFor<GlobalValues> = {
  address: text('a', 'SOCKET', 'Socket of the daemon (default: berth’s own; also CONTAINERD_ADDRESS)'),
  namespace: text('n', 'NAMESPACE', 'Namespace to work in (default "default"; also CONTAINERD_NAMESPACE)'),
  state: text('', 'DIR', 'State directory of the berthd to talk to (default "/run/berth"; also BERTH_STATE)'),
  timeout: text('', 'DURATION', 'Give up after so long, such as 30s or 5m (default: never)'),
  'connect-timeout': text('', 'DURATION', 'How long to wait for the connection (default 10s)'),
  debug: boolean('', 'Show where errors came from'),
  help: boolean('h', 'Show this help'),
};

const defaultConnectTimeout = 10_000;

/** What the flags say, then the environment, then the defaults. Throws UsageError. */
export function readCtrGlobals(
  values: Readonly<Record<string, FlagValue>>,
  env: Readonly<Record<string, string | undefined>>,
): CtrGlobals {
  const textOf = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  return {
    address: textOf('address') ?? (textOf('state') === undefined ? env['CONTAINERD_ADDRESS'] || undefined : undefined),
    state: textOf('state') ?? (env['BERTH_STATE'] || undefined),
    namespace: textOf('namespace') ?? (env['CONTAINERD_NAMESPACE'] || 'default'),
    timeoutMs: milliseconds('timeout', textOf('timeout')),
    connectTimeoutMs: milliseconds('connect-timeout', textOf('connect-timeout')) ?? defaultConnectTimeout,
    debug: values['debug'] === true,
    help: values['help'] === true,
  };
}

/** Zero means that there is no limit. */
function milliseconds(flag: string, given: string | undefined): number | undefined {
  if (given === undefined || given === '0') return undefined;
  const parsed = parseDuration(given);
  if (parsed === undefined)
    throw new UsageError(`flag "--${flag}" needs a duration such as 30s or 5m, not ${JSON.stringify(given)}`, 1);
  return parsed === 0n ? undefined : Number(parsed / 1_000_000n);
}

/** A command's flags together with its group's and the global ones; the nearer one wins a name, also a short one. */
export function withOuterFlags(own: FlagSpecs, ...outer: readonly FlagSpecs[]): FlagSpecs {
  return outer.reduce((inner, specs) => {
    const taken = new Set(Object.values(inner).map((spec) => spec.short));
    const kept = Object.entries(specs).filter(([name]) => !Object.hasOwn(inner, name));
    const freed = kept.map(([name, spec]): [string, FlagSpecs[string]] => {
      const { short, ...rest } = spec;
      return [name, short === undefined || taken.has(short) ? rest : spec];
    });
    return { ...inner, ...Object.fromEntries(freed) };
  }, own);
}
