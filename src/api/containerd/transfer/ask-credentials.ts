import type { OpenStream } from '#/api/containerd/transfer/streams.ts';
import { EngineError } from '#/base/errors.ts';
import type { CredentialRequest, Credentials } from '#/core/registry/contract.ts';
import {
  AuthRequestSchema,
  AuthResponseSchema,
  AuthType,
  type AuthResponse,
} from '#/gen/containerd/types/transfer/registry_pb.ts';
import { packMessage, unpackMessage } from '#/rpc/any.ts';

/** Asks the client for credentials, one question at a time, as the answers carry no sign of what they answer. */
export function askOverStream(
  stream: OpenStream,
  reference: string,
): (request: CredentialRequest) => Promise<Credentials | undefined> {
  let last: Promise<unknown> = Promise.resolve();
  const ask = async ({ host, challenges }: CredentialRequest): Promise<Credentials | undefined> => {
    await stream.send(packMessage(AuthRequestSchema, { host, reference, wwwauthenticate: [...challenges] }));
    const answer = await stream.receive();
    if (answer !== undefined) return readAnswer(unpackMessage(AuthResponseSchema, answer));
    throw new EngineError('unauthenticated', `Cannot log in to "${host}": the client was asked and gave no answer`);
  };
  return async (request) => {
    const turn = last.then(() => ask(request));
    last = turn.catch(() => {});
    return await turn;
  };
}

/** A secret that is empty means that the client knows none. */
function readAnswer({ authType, secret, username }: AuthResponse): Credentials | undefined {
  if (authType === AuthType.CREDENTIALS) return { username, password: secret };
  if (authType === AuthType.NONE || secret === '') return undefined;
  return authType === AuthType.HEADER ? { authorization: secret } : { identityToken: secret };
}
