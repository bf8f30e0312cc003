import { EngineError } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import type { Metadata } from '#/core/metadata/contract.ts';
import type { Snapshotter, Snapshotters } from '#/core/snapshots/contract.ts';
import { snapshotterOpeners } from '#/core/snapshots/snapshotters.ts';
import type { DaemonConfig } from '#/daemon/config.ts';
import { openRemoteSnapshotter } from '#/remote/remote-snapshotter.ts';

export interface SnapshotterParts {
  readonly metadata: Metadata;
  readonly logger: Logger;
  readonly config: Pick<DaemonConfig, 'snapshotters' | 'proxyPlugins'>;
  readonly pluginRoot: (type: string, name: string) => string;
}

/** Ours, and those of other processes, which need not be there yet. */
export async function openSnapshotters(
  stack: AsyncDisposableStack,
  { metadata, logger, config, pluginRoot }: SnapshotterParts,
): Promise<Snapshotters> {
  const opened = new Map<string, Snapshotter>();
  for (const [name, opener] of Object.entries(snapshotterOpeners))
    opened.set(
      name,
      stack.use(await opener(config.snapshotters)({ root: pluginRoot('snapshotter', name), metadata, logger })),
    );
  for (const { name, address, exports, capabilities } of config.proxyPlugins.filter(
    ({ kind }) => kind === 'snapshot',
  )) {
    if (opened.has(name))
      throw new EngineError(
        'invalid-argument',
        `Cannot use proxy plugin "${name}": berth has a snapshotter of that name itself; give it another`,
      );
    opened.set(name, stack.use(openRemoteSnapshotter({ name, address, exports, capabilities, metadata, logger })));
  }
  return opened;
}
