import { EngineError } from '#/base/errors.ts';
import type { ImageRunConfig } from '#/oci/manifest.ts';
import type { Config } from '#/engine/docker-config.ts';

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * What the person said over what the image says, by Docker's rules: variables and labels are merged by name, a new
 * entrypoint drops the image's command, everything else is taken from the image where the person is silent.
 */
export function mergeImageConfig(config: Config, image: ImageRunConfig): Config {
  const entrypoint = config.Entrypoint ?? image.Entrypoint ?? null;
  const ownEntrypoint = config.Entrypoint !== null;
  const cmd = config.Cmd ?? (ownEntrypoint ? null : (image.Cmd ?? null));
  const stopSignal = config.StopSignal ?? image.StopSignal;
  return {
    ...config,
    User: config.User === '' ? (image.User ?? '') : config.User,
    WorkingDir: config.WorkingDir === '' ? (image.WorkingDir ?? '') : config.WorkingDir,
    Env: mergeEnv(image.Env ?? [], config.Env),
    Labels: { ...image.Labels, ...config.Labels },
    Entrypoint: entrypoint,
    Cmd: cmd,
    Volumes: image.Volumes === undefined && config.Volumes === null ? null : { ...image.Volumes, ...config.Volumes },
    ...(image.ExposedPorts === undefined && config.ExposedPorts === undefined
      ? {}
      : { ExposedPorts: { ...image.ExposedPorts, ...config.ExposedPorts } }),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
  };
}

const nameOf = (variable: string): string => variable.split('=', 1)[0] ?? variable;

/** Later settings win; `NAME` without "=" removes it. The order of first appearance is kept. */
export function mergeEnv(below: readonly string[], above: readonly string[]): string[] {
  const merged = new Map<string, string | undefined>();
  for (const variable of [...below, ...above])
    merged.set(nameOf(variable), variable.includes('=') ? variable : undefined);
  return [...merged.values()].filter((variable): variable is string => variable !== undefined);
}

/** The variables of a process: PATH, HOME and TERM are there unless somebody set them. */
export function processEnv(options: {
  readonly env: readonly string[];
  readonly hostname: string;
  readonly terminal: boolean;
  readonly home: string;
}): string[] {
  const base = [defaultPath, `HOSTNAME=${options.hostname}`, ...(options.terminal ? ['TERM=xterm'] : [])];
  const merged = mergeEnv(base, options.env);
  return merged.some((variable) => variable.startsWith('HOME=')) ? merged : [...merged, `HOME=${options.home}`];
}

/** Entrypoint and command in one list. Throws `invalid-argument` when there is nothing to run. */
export function commandOf(config: Config): string[] {
  const args = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].filter((part, at) => at > 0 || part !== '');
  if (args.length > 0) return args;
  throw new EngineError(
    'invalid-argument',
    `Cannot create a container from image "${config.Image}": no command specified, neither by the image nor by you; name one after the image`,
  );
}
