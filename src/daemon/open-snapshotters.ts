import { EngineError } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import type { Metadata } from '#/core/metadata/contract.ts';
import type { Snapshotter, Snapshotters } from '#/core/snapshots/contract.ts';
import { snapshotterOpeners, type SnapshotterSettings } from '#/core/snapshots/snapshotters.ts';
import type { ProxyPlugin } from '#/daemon/proxy-plugins.ts';
import { openRemoteSnapshotter } from '#/remote/remote-snapshotter.ts';

export interface SnapshotterParts {
  readonly metadata: Metadata;
  readonly logger: Logger;
  readonly snapshotters: SnapshotterSettings;
  readonly proxyPlugins: readonly ProxyPlugin[];
  /** Full names of parts that are left out. */
  readonly disabled: readonly string[];
  readonly pluginRoot: (type: string, name: string) => string;
}

/** Ours, and those of other processes, which need not be there yet. */
export async function openSnapshotters(
  stack: AsyncDisposableStack,
  { metadata, logger, snapshotters, proxyPlugins, disabled, pluginRoot }: SnapshotterParts,
): Promise<Snapshotters> {
  const isWanted = (name: string): boolean => !disabled.includes(`io.containerd.snapshotter.v1.${name}`);
  const opened = new Map<string, Snapshotter>();
  for (const [name, opener] of Object.entries(snapshotterOpeners)) {
    if (!isWanted(name)) continue;
    const root = pluginRoot('snapshotter', name);
    opened.set(name, stack.use(await opener(snapshotters)({ root, metadata, logger })));
  }
  for (const { kind, name, address, exports, capabilities } of proxyPlugins) {
    if (kind !== 'snapshot' || !isWanted(name)) continue;
    if (Object.hasOwn(snapshotterOpeners, name))
      throw new EngineError(
        'invalid-argument',
        `Cannot use proxy plugin "${name}": berth has a snapshotter of that name itself; give it another`,
      );
    opened.set(name, stack.use(openRemoteSnapshotter({ name, address, exports, capabilities, metadata, logger })));
  }
  return opened;
}
