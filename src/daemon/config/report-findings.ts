import type { Logger } from '#/base/log.ts';
import type { LoadedDocument } from '#/daemon/config/load-config.ts';
import type { Findings } from '#/daemon/config/read-settings.ts';
import { newestVersion } from '#/daemon/config/schema-tree.ts';

const server = (name: string): string => `plugins."io.containerd.server.v1.${name}"`;

/** Tables that version 4 has elsewhere, of which containerd's documents still speak. */
const moved: Readonly<Record<string, string>> = {
  grpc: server('grpc'),
  ttrpc: server('ttrpc'),
  metrics: server('metrics'),
  'debug.address': `${server('debug')}.address`,
  'debug.uid': `${server('debug')}.uid`,
  'debug.gid': `${server('debug')}.gid`,
};

/** Nothing in a configuration is passed over in silence: each thing is told once, and alike things together. */
export function reportFindings({ files, missing }: LoadedDocument, findings: Findings, logger: Logger): void {
  const old = files.filter(({ version }) => version < newestVersion).map(({ path }) => path);
  if (old.length > 0)
    logger.info('the configuration is of an older version; "berthd config migrate" prints it in its newest form', {
      files: old.join(','),
    });
  for (const file of missing) logger.warn('a file that the configuration imports is not there', { file });
  for (const { key, nearest } of findings.unknown)
    logger.warn('a key of the configuration is not known and has no effect', { key, nearest: moved[key] ?? nearest });
  if (findings.notFollowed.length > 0)
    logger.warn('keys of the configuration are known to containerd and not followed by berth', {
      keys: findings.notFollowed.join(' '),
    });
  if (findings.repeated.length > 0)
    logger.debug("keys of the configuration repeat containerd's defaults and are not followed by berth", {
      keys: findings.repeated.join(' '),
    });
}
