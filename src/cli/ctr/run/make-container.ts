import { resolve } from 'node:path';
import { checkIdentifier } from '#/base/identifier.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { createContainer, createFromSpecFile } from '#/cli/ctr/run/create-container.ts';
import type { ContainerFlags, RunFlags } from '#/cli/ctr/run/container-flags.ts';
import { prepareRoot } from '#/cli/ctr/run/prepare-root.ts';
import { refuseWhatIsNotThere } from '#/cli/ctr/run/refuse-flags.ts';
import type { Output } from '#/cli/output.ts';
import { UsageError } from '#/cli/usage-error.ts';
import type { Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';

export interface MakeWish {
  readonly flags: ContainerFlags & RunFlags;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly err: Output;
  readonly withConfig: boolean;
  /** Labels of ours for the container of that id. */
  readonly labels: (id: string) => Readonly<Record<string, string>>;
}

/** What can be said of the command line alone. Throws UsageError. */
export function checkWords({ flags, args, withConfig }: Pick<MakeWish, 'flags' | 'args' | 'withConfig'>): void {
  refuseWhatIsNotThere(flags);
  const [first = '', second] = args;
  if (withConfig && second !== undefined)
    throw new UsageError(`with "--config" only the container's name is given, and "${second}" is too much`, 1);
  if (!withConfig && second === undefined)
    throw new UsageError(`the container needs a name after "${first}", such as "berth ctr run ${first} my-own"`, 1);
  checkIdentifier('container', withConfig ? first : (second ?? ''));
}

/** What `run` and `containers create` have in common: the words of the command line, made into a container. */
export async function makeContainer(client: ContainerdClient, wish: MakeWish): Promise<Container> {
  const { flags, args, env } = wish;
  if (wish.withConfig) return await fromConfig(client, wish);
  const [ref = '', id = '', ...command] = args;
  const pull = async (name: string): Promise<Awaited<ReturnType<Pull>>> => {
    const { pullMissing } = await import('#/cli/ctr/run/pull-missing.ts');
    return await pullMissing(client, name, { env, err: wish.err, platform: flags.platform });
  };
  const root = await prepareRoot(client, { ref, flags, env, pull });
  return await createContainer(client, root, { id, flags, args: command, labels: wish.labels(id) });
}

type Pull = Parameters<typeof prepareRoot>[1]['pull'];

async function fromConfig(client: ContainerdClient, { flags, args, labels }: MakeWish): Promise<Container> {
  const [id = ''] = args;
  const config = resolve(flags.config ?? '');
  return await createFromSpecFile(client, { id, flags: { ...flags, config }, args: [], labels: labels(id) });
}
