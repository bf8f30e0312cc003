import { EngineError } from '#/base/errors.ts';
import type { Handler, Route } from '#/api/docker/call.ts';

const unimplemented =
  (what: string): Handler =>
  async () => {
    throw new EngineError('unimplemented', `Cannot do this: berth has no ${what} yet`);
  };

const notSwarm: Handler = async () => {
  throw new EngineError(
    'unavailable',
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again; berth has no swarm and will have none',
  );
};

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'] as const;

const everyMethod = (pattern: RegExp, handle: Handler): Route[] =>
  methods.map((method) => ({ method, pattern, handle }));

const hostNetworks = ['host', 'none'].map((name) => ({
  Name: name,
  Id: name,
  Created: '0001-01-01T00:00:00Z',
  Scope: 'local',
  Driver: name === 'none' ? 'null' : name,
  EnableIPv4: false,
  EnableIPv6: false,
  IPAM: { Driver: 'default', Options: null, Config: null },
  Internal: false,
  Attachable: false,
  Ingress: false,
  ConfigFrom: { Network: '' },
  ConfigOnly: false,
  Containers: {},
  Options: {},
  Labels: {},
}));

/** One thing of a kind that there is none of yet; `docker inspect` looks for a name in every kind. */
const absent =
  (what: string): Handler =>
  async ({ path }) => {
    throw new EngineError('not-found', `${what} ${path[0] ?? ''} not found`);
  };

const inspectNetwork: Handler = async (call) => {
  const network = hostNetworks.find(({ Name }) => Name === call.path[0]);
  return network === undefined ? absent('network')(call) : call.answer.send(200, network);
};

/** Parts of Docker's API that are known but not there yet: they say so. */
export const laterRoutes: readonly Route[] = [
  { method: 'GET', pattern: /^\/networks\/?$/, handle: async ({ answer }) => answer.send(200, hostNetworks) },
  {
    method: 'GET',
    pattern: /^\/volumes\/?$/,
    handle: async ({ answer }) => answer.send(200, { Volumes: [], Warnings: null }),
  },
  { method: 'GET', pattern: /^\/plugins\/?$/, handle: async ({ answer }) => answer.send(200, []) },
  { method: 'GET', pattern: /^\/networks\/([^/]+)$/, handle: inspectNetwork },
  { method: 'GET', pattern: /^\/volumes\/([^/]+)$/, handle: absent('volume') },
  { method: 'GET', pattern: /^\/plugins\/([^/]+)\/json$/, handle: absent('plugin') },
  ...everyMethod(/^\/(?:swarm|nodes|services|tasks|secrets|configs)(?:\/.*)?$/, notSwarm),
  ...everyMethod(/^\/networks(?:\/.*)?$/, unimplemented('networks but "host" and "none"')),
  ...everyMethod(/^\/volumes(?:\/.*)?$/, unimplemented('volumes')),
  ...everyMethod(/^\/plugins(?:\/.*)?$/, unimplemented('plugins')),
  ...everyMethod(/^\/(?:build|session|grpc|commit)(?:\/.*)?$/, unimplemented('builder')),
  ...everyMethod(
    /^\/containers\/[^/]+\/(?:stats|archive|export|changes|update|checkpoints)(?:\/.*)?$/,
    unimplemented('stats, cp, export, diff, update and checkpoints'),
  ),
  ...everyMethod(/^\/containers\/[^/]+\/attach\/ws$/, unimplemented('attach over WebSocket')),
  ...everyMethod(/^\/(?:containers|images)\/prune$/, unimplemented('prune')),
  ...everyMethod(/^\/images\/search$/, unimplemented('search')),
  ...everyMethod(/^\/system\/df$/, unimplemented('system df')),
  ...everyMethod(/^\/distribution\/.+$/, unimplemented('distribution inspect')),
];
