/**
 * Registry: the distribution protocol's client (OCI distribution-spec 1.1). One resolver for every command and API.
 */
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';
import type { Reference } from '#/oci/reference.ts';

/** What `X-Registry-Auth`, `docker login` or a CRI request says. An empty object means: none given, look in the files. */
export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  /** An OAuth2 refresh token. */
  readonly identityToken?: string;
  /** A bearer token to send as it is. */
  readonly registryToken?: string;
  /** A whole Authorization header for the registry itself. */
  readonly authorization?: string;
}

/** A registry wants a login. */
export interface CredentialRequest {
  readonly host: string;
  /** Its WWW-Authenticate headers. */
  readonly challenges: readonly string[];
}

export interface RegistryOptions {
  readonly credentials?: Credentials;
  /** Asked when the registry wants a login and `credentials` has none; undefined looks in the files. */
  readonly askCredentials?: (request: CredentialRequest) => Promise<Credentials | undefined>;
  /** A directory of hosts.toml files, instead of the configured ones. */
  readonly hostDir?: string;
  /** Headers for each request to the registry and its mirrors. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For registries whose scheme nothing else says. */
  readonly defaultScheme?: 'http' | 'https';
  /** Told of each request and answer, a line each; secrets are left out. */
  readonly trace?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface PushBlob {
  readonly descriptor: Descriptor;
  /** The bytes from `offset` on; called again when an upload broke. */
  readonly read: (offset: number) => AsyncIterable<Uint8Array>;
  /** Another repository on the same registry that may have it, for a cross-repository mount. */
  readonly mountFrom?: string;
  readonly onProgress?: (sent: number) => void;
}

export interface FetchedBlob {
  /** Where the bytes begin: the wanted offset, or 0 where a server ignores ranges. */
  readonly start: number;
  readonly body: AsyncIterable<Uint8Array>;
  /** The whole was wrong: whoever gave the bytes is not asked again. False when nobody else could be. */
  readonly distrust: () => boolean;
}

/** A repository on a registry and its mirrors, with the credentials of one request. Connections are kept while it is open. */
export interface Repository extends AsyncDisposable {
  readonly reference: Reference;
  /** The descriptor of the reference's tag or digest: `not-found`, `unauthenticated`, `permission-denied`, `unavailable`. */
  resolve(): Promise<Descriptor>;
  /** A manifest's bytes, their digest checked. */
  fetchManifest(descriptor: Descriptor, limit: number): Promise<Uint8Array>;
  /**
   * A blob's bytes from `offset`, not checked. A connection that breaks throws `unavailable`; the caller resumes, and
   * another host may go on.
   */
  fetchBlob(descriptor: Descriptor, offset: number): Promise<FetchedBlob>;
  hasBlob(digest: Digest): Promise<boolean>;
  /** 'exists' and 'mounted' sent no bytes. */
  pushBlob(blob: PushBlob): Promise<'pushed' | 'exists' | 'mounted'>;
  /** Puts under the tag, or under its digest when `tag` is undefined. */
  pushManifest(descriptor: Descriptor, bytes: Uint8Array, tag: string | undefined): Promise<void>;
}

export interface Registry {
  openRepository(reference: Reference, options?: RegistryOptions): Promise<Repository>;
  /** Checks credentials against a registry (`docker login`): resolves when they are good, throws `unauthenticated`. */
  checkLogin(host: string, credentials: Credentials, signal?: AbortSignal): Promise<void>;
}
