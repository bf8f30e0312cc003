import { once } from 'node:events';
import { messageOf } from '#/base/errors.ts';
import { createLogger, type Logger } from '#/base/log.ts';
import { revision, version } from '#/base/version.ts';
import { completeConfig, defaultConfigPath, type DaemonConfig } from '#/daemon/config.ts';
import { readCommandLine, usage, type DaemonCommand } from '#/daemon/command-line.ts';
import { formatConfig, readConfig } from '#/daemon/read-config.ts';
import { print, printError } from '#/daemon/print.ts';

/** Runs berthd with its arguments; resolves with the exit code. */
export async function runDaemon(args: readonly string[]): Promise<number> {
  try {
    return await runCommand(readCommandLine(args));
  } catch (error) {
    printError(`berthd: ${messageOf(error)}`);
    return 1;
  }
}

async function runCommand(command: DaemonCommand): Promise<number> {
  switch (command.kind) {
    case 'help':
      print(usage);
      return 0;
    case 'version':
      print(`berthd ${version} ${revision}\n`);
      return 0;
    case 'config-default':
      print(formatConfig(completeConfig({})));
      return 0;
    case 'config-dump':
      print(formatConfig((await loadConfig(command)).config));
      return 0;
    case 'serve':
      return serve(await loadConfig(command));
  }
}

interface LoadedConfig {
  readonly config: DaemonConfig;
  readonly path: string;
  readonly unknownKeys: readonly string[];
}

/** Flags win over the file, the file over the defaults. */
async function loadConfig({
  configPath,
  flags,
}: Extract<DaemonCommand, { readonly flags: unknown }>): Promise<LoadedConfig> {
  const path = configPath ?? defaultConfigPath;
  const read = await readConfig(path, configPath !== undefined);
  return { config: completeConfig({ ...read.config, ...flags }), path, unknownKeys: read.unknownKeys };
}

async function serve({ config, path, unknownKeys }: LoadedConfig): Promise<number> {
  const logger = createLogger({ level: config.logLevel, format: config.logFormat, write: printError });
  for (const key of unknownKeys)
    logger.warn('a key of the configuration is not known and has no effect', { key, file: path });
  surviveStrayFailures(logger);
  const stopped = stopSignal();
  const { assemble } = await import('#/daemon/assemble.ts');
  const { notifyManager } = await import('#/linux/notify.ts');
  await using daemon = await assemble(config, logger);
  logger.info('berthd is ready', { version, address: config.address, docker: config.dockerAddress, root: config.root });
  notifyManager(['READY=1']);
  const signal = await stopped;
  logger.info('berthd stops; containers run on', { signal });
  notifyManager(['STOPPING=1']);
  await daemon[Symbol.asyncDispose]();
  return 0;
}

async function stopSignal(): Promise<string> {
  return Promise.race(['SIGTERM', 'SIGINT'].map((name) => once(process, name).then(() => name)));
}

/** A failure that nobody caught is a bug, but not one to take every running pull and attach down for. */
function surviveStrayFailures(logger: Logger): void {
  process.on('unhandledRejection', (reason) => {
    logger.error('a failure was not handled', {
      error: messageOf(reason),
      stack: reason instanceof Error ? reason.stack : undefined,
    });
  });
}
