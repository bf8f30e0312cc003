import { messageOf } from '#/base/errors.ts';
import type { TypedValue } from '#/base/any.ts';
import { readNetwork, type CniConfig } from '#/client/cni/read-network.ts';
import { addNetwork, removeNetwork, type CniTarget } from '#/client/cni/run-plugins.ts';
import type { Output } from '#/cli/output.ts';
import type { Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';

/** The network of one task, between its creation and its start. */
export interface TaskNetwork {
  add(pid: number): Promise<void>;
  remove(pid: number): Promise<void>;
}

/** Where ctr notes on a container that it has such a network, and as what. */
export const cniExtension = 'ctr.cni-containerd.metadata';

const extensionType = 'github.com/containerd/containerd/v2/cmd/ctr/commands/NetworkMetaData';

export const cniNote = (): TypedValue => ({ typeUrl: extensionType, value: Buffer.from('{"EnableCni":true}') });

export const hasNetwork = ({ extensions }: Pick<Container, 'extensions'>): boolean =>
  Object.hasOwn(extensions, cniExtension);

type Environment = Readonly<Record<string, string | undefined>>;

/** Configuration from /etc/cni/net.d and plugins from /opt/cni/bin, or where NETCONFPATH and CNI_PATH say. */
export function openNetwork(namespace: string, id: string, env: Environment): TaskNetwork {
  const directory = env['NETCONFPATH'] || '/etc/cni/net.d';
  const pluginDirectories = (env['CNI_PATH'] || '/opt/cni/bin:/usr/lib/cni').split(':').filter((path) => path !== '');
  const targetOf = (pid: number): CniTarget => {
    return { containerId: `${namespace}-${id}`, netns: `/proc/${pid}/ns/net`, pluginDirectories };
  };
  let made: CniConfig | undefined;
  return {
    add: async (pid) => void (made = await addNetwork(await readNetwork(directory), targetOf(pid))),
    remove: async (pid) => removeNetwork(await readNetwork(directory), targetOf(pid), made),
  };
}

/** Before a container goes: what is left of its network. One that is gone already is no failure. */
export async function releaseNetwork(
  namespace: string,
  container: Pick<Container, 'id' | 'extensions'>,
  { env, err }: { readonly env: Environment; readonly err: Output },
): Promise<void> {
  if (!hasNetwork(container)) return;
  try {
    await openNetwork(namespace, container.id, env).remove(0);
  } catch (error) {
    err.line(`berth ctr: ${messageOf(error)}`);
  }
}
