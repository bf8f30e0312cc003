import type { MessageStream } from '#/client/containerd/open-stream.ts';
import { AuthRequestSchema, AuthResponseSchema, AuthType } from '#/gen/containerd/types/transfer/registry_pb.ts';

export interface RegistrySecret {
  /** '' when `secret` is a refresh token. */
  readonly username: string;
  readonly secret: string;
}

/** Answers the daemon each time it asks who we are to a registry; undefined is nobody. */
export async function answerCredentials(
  stream: MessageStream,
  find: (host: string) => Promise<RegistrySecret | undefined>,
): Promise<void> {
  for (;;) {
    const request = await stream.receive(AuthRequestSchema);
    if (request === undefined) return;
    const found = await find(request.host);
    stream.send(AuthResponseSchema, responseOf(found));
  }
}

/** An empty refresh token is how Go's clients say that they know none. */
function responseOf(found: RegistrySecret | undefined): { authType: AuthType; secret: string; username: string } {
  if (found === undefined) return { authType: AuthType.REFRESH, secret: '', username: '' };
  const authType = found.username === '' ? AuthType.REFRESH : AuthType.CREDENTIALS;
  return { authType, ...found };
}
