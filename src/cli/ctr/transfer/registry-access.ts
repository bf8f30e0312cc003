import { openRegistryClient, type RegistryClient } from '#/client/registry/registry-request.ts';
import { findSecret, givenSecret, type RegistryWish } from '#/cli/ctr/transfer/registry-end.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { parseReference, type Reference } from '#/oci/reference.ts';

export interface OpenRepository {
  readonly registry: RegistryClient;
  readonly reference: Reference;
}

/** Speaks to a registry from here, for single objects. */
export async function openRepository(wish: RegistryWish): Promise<OpenRepository> {
  const { flags, err } = wish;
  if (flags['hosts-dir'] !== undefined || flags['http-trace'] || flags.refresh !== undefined)
    throw new UsageError('"--hosts-dir", "--http-trace" and "--refresh" are for whole images: use "images pull"', 1);
  const reference = parseReference(wish.reference);
  const { domain, path: repository } = reference;
  const registry = await openRegistryClient({
    domain,
    repository,
    plainHttp: flags['plain-http'] || /^(?:localhost|127\.0\.0\.1)(?::|$)/.test(domain),
    skipVerify: flags['skip-verify'],
    caFile: flags.tlscacert,
    certFile: flags.tlscert,
    keyFile: flags.tlskey,
    credentials: await findSecret(wish, await givenSecret(wish), domain),
    onRequest: (line) => (flags['http-dump'] ? err.line(line) : undefined),
  });
  return { registry, reference };
}
