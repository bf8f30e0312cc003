import type { Client } from '#/client/client.ts';
import { throwOnError } from '#/client/progress-error.ts';
import { familiarRepository, formatReference, parseReference, type Reference } from '#/oci/reference.ts';
import type { Output } from '#/cli/output.ts';
import { showProgress } from '#/cli/progress/show-progress.ts';
import { terminalShape } from '#/cli/progress/terminal-shape.ts';
import { registryAuth } from '#/cli/registry/registry-auth.ts';

export interface PullRequest {
  readonly client: Client;
  readonly image: string;
  readonly platform: string | undefined;
  readonly quiet: boolean;
  /** Where progress goes. */
  readonly output: Output;
  /** The descriptor behind `output`. */
  readonly fd?: 1 | 2;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Pulls an image and shows how it goes. The reference, in full. */
export async function pullImage({ client, image, platform, quiet, output, fd = 2, env }: PullRequest): Promise<string> {
  const reference = parseReference(image);
  const messages = throwOnError(
    await client.images.pull({
      repository: nameOf(reference),
      tag: reference.digest ?? reference.tag ?? 'latest',
      platform,
      registryAuth: await registryAuth(reference.domain, env),
    }),
  );
  await showProgress(messages, { output: quiet ? silent : output, shape: quiet ? noShape : terminalShape(fd, env) });
  return formatReference(reference);
}

/** Docker's own daemon wants its hub's images by their short names. */
const nameOf = (reference: Reference): string => familiarRepository(reference);

const silent: Output = { line: () => {}, text: () => {}, write: async () => {} };
const noShape = (): undefined => undefined;
