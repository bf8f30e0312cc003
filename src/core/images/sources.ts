import type { Labels } from '#/base/any.ts';
import { EngineError, messageOf } from '#/base/errors.ts';
import type { ImageProgress, RegistryAccess } from '#/core/images/contract.ts';
import { fetchDocument, fetchLayer, type Fetching } from '#/core/images/fetch.ts';
import { sourceHost, sourcesOf } from '#/core/images/gc-labels.ts';
import type { ImageParts } from '#/core/images/image-parts.ts';
import type { Repository } from '#/core/registry/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { findReference, parseReference } from '#/oci/reference.ts';

/** The repositories that content came from, for what was left there when its parent was fetched. */
export interface Sources extends AsyncDisposable {
  /** Fetches a manifest or an index; undefined when it is here then, else why not. `labels` are the parent's. */
  fetchDocument(descriptor: Descriptor, labels: Labels): Promise<string | undefined>;
  /** Whether somebody has a blob; undefined when so, else why not. */
  lookFor(descriptor: Descriptor, labels: Labels): Promise<string | undefined>;
  /** Fetches a blob; undefined when it is here then, else why not. */
  fetchBlob(descriptor: Descriptor, labels: Labels): Promise<string | undefined>;
}

export interface SourcesContext {
  readonly parts: ImageParts;
  readonly namespace: string;
  readonly lease: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ImageProgress) => void;
  /** Registries with their ports, which labels leave out: those of the names that the image has and gets. */
  readonly domains: readonly string[];
  /** For the registry of that domain; others are reached as configured. */
  readonly access?: { readonly domain: string; readonly options: RegistryAccess };
}

const maxSources = 8;

export function openSources(context: SourcesContext): Sources {
  const { parts, access, signal, domains } = context;
  const opened = new Map<string, Promise<Repository>>();
  const open = async (domain: string, path: string): Promise<Repository> => {
    const name = `${domain}/${path}`;
    const options = access?.domain === domain ? access.options : {};
    const repository = opened.get(name) ?? parts.registry.openRepository(parseReference(name), { ...options, signal });
    opened.set(name, repository);
    return await repository;
  };
  const attempt = async (
    labels: Labels,
    work: (repository: Repository) => Promise<boolean>,
  ): Promise<string | undefined> => {
    const sources = sourcesOf(labels).slice(0, maxSources);
    const reasons: string[] = [];
    for (const { host, path } of sources) {
      const domain = domains.find((known) => sourceHost(known) === host) ?? host;
      try {
        if (await work(await open(domain, path))) return undefined;
        reasons.push(`${domain}/${path} does not have it`);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof EngineError)) throw error;
        reasons.push(messageOf(error));
      }
    }
    return sources.length === 0 ? 'nothing says where it came from' : reasons.join('; ');
  };
  const fetching = (repository: Repository): Fetching => ({ ...context, repository });
  return {
    fetchDocument: async (descriptor, labels) =>
      await attempt(labels, async (repository) => {
        await fetchDocument(fetching(repository), descriptor);
        return true;
      }),
    lookFor: async ({ digest }, labels) =>
      await attempt(labels, async (repository) => await repository.hasBlob(digest)),
    fetchBlob: async (descriptor, labels) =>
      await attempt(labels, async (repository) => {
        await fetchLayer(fetching(repository), descriptor);
        return true;
      }),
    [Symbol.asyncDispose]: async () => {
      for (const repository of opened.values())
        await repository.then((open) => open[Symbol.asyncDispose]()).catch(() => {});
    },
  };
}

/** The registry of an image's name, where the name is one that a registry could have. */
export const domainsOf = (names: readonly string[]): string[] =>
  names.flatMap((name) => findReference(name)?.domain ?? []);
