import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import { chooseSocket } from '#/cli/ctr/connect-containerd.ts';
import type { CtrGlobals } from '#/cli/ctr/ctr-globals.ts';
import type { ShimFlags } from '#/cli/ctr/group-flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { openTtrpcClient, type TtrpcClient } from '#/rpc/ttrpc-client.ts';

/** Where shims of all daemons on a machine listen. */
const shimSockets = '/run/containerd/s';

/** Speaks with a shim itself, past the daemon. Throws UsageError when neither id nor address is given. */
export async function connectToShim(flags: ShimFlags, globals: CtrGlobals): Promise<TtrpcClient> {
  const given = flags['shim-address'];
  if (given === undefined && flags.id === undefined)
    throw new UsageError('say which shim: "--id ID" or "--shim-address SOCKET", before or after the command', 1);
  const address = given ?? shimSocket(globals, flags.id ?? '');
  try {
    return await openTtrpcClient(address);
  } catch (error) {
    throw new EngineError(
      'unavailable',
      `Cannot reach the shim at "${address}": is it there? Name its socket with --shim-address`,
      {
        cause: error,
      },
    );
  }
}

/** Shims name their socket after daemon, namespace and id. */
export function shimSocket(globals: Pick<CtrGlobals, 'address' | 'state' | 'namespace'>, id: string): string {
  const place = join(chooseSocket(globals).address, globals.namespace, id);
  return join(shimSockets, createHash('sha256').update(place).digest('hex'));
}
