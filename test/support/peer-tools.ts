/** The current Go clients that `scripts/peers-tools.sh` built: where each of them is. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const script = resolve(import.meta.dirname, '../../scripts/peers-tools.sh');

export type PeerTool =
  | 'ctr'
  | 'ctr-1.7'
  | 'containerd'
  | 'containerd-shim-runc-v2'
  | 'nerdctl'
  | 'buildctl'
  | 'buildkitd'
  | 'containerd-stargz-grpc'
  | 'snapshot-suite';

export interface PeerTools {
  /** The directory of all of them, for a PATH. */
  readonly directory: string;
  /** For a test's `skip`: why there are none, which in CI has failed before any test began. */
  readonly skip: string | false;
  path(tool: PeerTool): string;
}

export function findPeerTools(): PeerTools {
  const directory = execFileSync('sh', [script, '--where'], { encoding: 'utf8' }).trim();
  return {
    directory,
    skip: existsSync(directory) ? false : 'the current Go clients could not be built: sh scripts/peers-tools.sh',
    path: (tool) => join(directory, tool),
  };
}
