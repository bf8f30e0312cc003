import { formatReference, type Reference } from '#/oci/reference.ts';

/** A repository as its registry knows it. */
export interface RepositoryName {
  readonly reference: Reference;
  /** The path in URLs and token scopes. */
  readonly path: string;
}

export const quoted = ({ reference }: RepositoryName): string => `"${formatReference(reference)}"`;

/** Token scopes (distribution-spec, token scope documentation). */
export const pullScope = ({ path }: RepositoryName): string => `repository:${path}:pull`;
export const pushScope = ({ path }: RepositoryName): string => `repository:${path}:pull,push`;
