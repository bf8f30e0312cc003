import { EngineError } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';

const expiryLabel = 'containerd.io/gc.expire';
const day = 24 * 60 * 60 * 1000;

export interface LeaseWish {
  /** Made up by the daemon where left out. */
  readonly id?: string | undefined;
  readonly labels?: Readonly<Record<string, string>>;
  /** From now; 0 means never. */
  readonly lifetimeMs: number;
}

/** The id of a new lease. Throws `already-exists`. */
export async function createLease(client: ContainerdClient, { id, labels, lifetimeMs }: LeaseWish): Promise<string> {
  const until = new Date(Date.now() + lifetimeMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const { lease } = await client.call(Leases.method.create, {
    ...(id === undefined ? {} : { id }),
    labels: { ...labels, ...(lifetimeMs === 0 ? {} : { [expiryLabel]: until }) },
  });
  if (lease === undefined) throw new EngineError('internal', 'Cannot create a lease: the answer names none');
  return lease.id;
}

/** Works under a lease, so that nothing new is collected before it is referred to. Dying leaves it to expire. */
export async function underLease<T>(
  client: ContainerdClient,
  work: (leased: ContainerdClient) => Promise<T>,
): Promise<T> {
  const id = await createLease(client, { lifetimeMs: day });
  try {
    return await work(client.within({ lease: id }));
  } finally {
    await client.call(Leases.method.delete, { id }).catch(() => {});
  }
}
