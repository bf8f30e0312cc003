/** A warm client of Docker's API: one connection that stays open. */
import { Agent, request } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface DockerClient extends Disposable {
  /** Create, start, wait, delete: what `docker run --rm` asks for, without streams. */
  run(image: string, args: readonly string[]): Promise<void>;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

export function openDockerClient(socketPath: string): DockerClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = async ({ method, path, body }: Call): Promise<unknown> => {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const sent = request({ agent, socketPath, method, path: `/v1.41${path}`, headers }).end(payload);
    const [response] = await once(sent, 'response');
    const said = await text(response);
    if (response.statusCode >= 400) throw new Error(`${method} ${path} failed with ${response.statusCode}: ${said}`);
    return said === '' ? undefined : JSON.parse(said);
  };
  return {
    run: async (image, args) => {
      const config = { Image: image, Cmd: args, HostConfig: { NetworkMode: 'none' } };
      const { Id } = (await call({ method: 'POST', path: '/containers/create', body: config })) as { Id: string };
      await call({ method: 'POST', path: `/containers/${Id}/start` });
      const { StatusCode } = (await call({ method: 'POST', path: `/containers/${Id}/wait` })) as { StatusCode: number };
      if (StatusCode !== 0) throw new Error(`the container ended with ${StatusCode}`);
      await call({ method: 'DELETE', path: `/containers/${Id}` });
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}
