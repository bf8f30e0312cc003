import { once } from 'node:events';
import { messageOf } from '#/base/errors.ts';
import { createLogger, type Logger } from '#/base/log.ts';
import { revision, version } from '#/base/version.ts';
import {
  completeConfig,
  defaultConfigPath,
  defaultDropIns,
  type ConfigFlags,
  type DaemonConfig,
} from '#/daemon/config/daemon-config.ts';
import { formatConfig, formatMigrated, withPlaces } from '#/daemon/config/format-config.ts';
import { loadDocument, type LoadedDocument } from '#/daemon/config/load-config.ts';
import { readSettings, type Findings } from '#/daemon/config/read-settings.ts';
import { reportFindings } from '#/daemon/config/report-findings.ts';
import { readCommandLine, usage, type DaemonCommand } from '#/daemon/command-line.ts';
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
      print(`berthd berth v${version} ${revision}\n`);
      return 0;
    case 'config-default':
      print(formatConfig({}));
      return 0;
    case 'config-dump':
      return dump(await loadConfig(command));
    case 'config-migrate':
      return migrateFile(command.configPath ?? defaultConfigPath);
    case 'publish':
      await (await import('#/daemon/publish.ts')).publish(command);
      return 0;
    case 'oci-hook':
      return (await import('#/daemon/oci-hook.ts')).runHook(command.args);
    case 'serve':
      return serve(await loadConfig(command));
  }
}

interface LoadedConfig {
  readonly config: DaemonConfig;
  readonly loaded: LoadedDocument;
  readonly findings: Findings;
}

/** Flags win over the files, files over the defaults. Drop-ins belong to the file that is read when none is named. */
async function loadConfig(given: {
  readonly configPath: string | undefined;
  readonly flags: ConfigFlags;
}): Promise<LoadedConfig> {
  const { configPath, flags } = given;
  const loaded =
    configPath === undefined
      ? await loadDocument(defaultConfigPath, { optional: true, dropIns: [defaultDropIns] })
      : await loadDocument(configPath);
  const { settings, findings } = readSettings(loaded.document);
  return { config: completeConfig(settings, flags), loaded, findings };
}

function dump({ config, loaded, findings }: LoadedConfig): number {
  print(formatConfig(withPlaces(loaded.document, config), findings.notFollowed));
  return 0;
}

async function migrateFile(path: string): Promise<number> {
  const { document, files } = await loadDocument(path, { follow: false });
  print(formatMigrated(document, files[0]?.version ?? 0));
  return 0;
}

async function serve({ config, loaded, findings }: LoadedConfig): Promise<number> {
  const logger = createLogger({ level: config.logLevel, format: config.logFormat, write: printError });
  reportFindings(loaded, findings, logger);
  surviveStrayFailures(logger);
  keepDebuggerShut();
  const stopped = stopSignal();
  const { assemble } = await import('#/daemon/assemble.ts');
  const { notifyManager } = await import('#/linux/notify.ts');
  await using daemon = await assemble(config, logger);
  logger.info('berthd is ready', { version, address: config.address, docker: config.dockerAddress, root: config.root });
  notifyManager(['READY=1']);
  const signal = await stopped;
  endOnSecondSignal(logger);
  logger.info('berthd stops; containers run on', { signal });
  notifyManager(['STOPPING=1']);
  await daemon[Symbol.asyncDispose]();
  return 0;
}

async function stopSignal(): Promise<string> {
  return Promise.race(['SIGTERM', 'SIGINT'].map((name) => once(process, name).then(() => name)));
}

/** Closing waits for others; who asks twice does not want to. The next start finds everything as after a crash. */
function endOnSecondSignal(logger: Logger): void {
  void stopSignal().then((signal) => {
    logger.warn('berthd ends at once: it was told to stop twice', { signal });
    process.exit(1);
  });
}

/** Without a listener, Node answers SIGUSR1 by opening its debugger to everybody on this machine. */
function keepDebuggerShut(): void {
  process.on('SIGUSR1', () => {});
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
