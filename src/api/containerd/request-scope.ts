import { EngineError } from '#/base/errors.ts';
import { checkIdentifier } from '#/base/identifier.ts';
import type { LeaseResource, Transaction } from '#/core/metadata/contract.ts';
import type { CallContext } from '#/rpc/service.ts';

/** The namespace of a call. Throws `failed-precondition` when the client sent none, `invalid-argument` for a bad one. */
export function namespaceOf(context: CallContext): string {
  const namespace = context.header('containerd-namespace') ?? '';
  if (namespace === '')
    throw new EngineError('failed-precondition', `Cannot call ${context.method}: namespace is required`);
  return checkIdentifier('a namespace', namespace);
}

/** The lease that keeps what the call makes, as an option for the core's functions. */
export function leaseOf(context: CallContext): { readonly lease?: string } {
  const lease = context.header('containerd-lease') ?? '';
  return lease === '' ? {} : { lease };
}

/** What is deleted under a lease, that lease does not list any more. */
export function releaseFrom(tx: Transaction, context: CallContext, resource: LeaseResource): void {
  const namespace = namespaceOf(context);
  const { lease } = leaseOf(context);
  if (lease !== undefined && tx.leases.find(namespace, lease) !== undefined)
    tx.removeLeaseResource(namespace, lease, resource);
}

/** A message that a request must carry. */
export function required<T>(what: string, value: T | undefined): T {
  if (value === undefined) throw new EngineError('invalid-argument', `Cannot take the request: it has no ${what}`);
  return value;
}
