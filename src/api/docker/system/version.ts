import { release } from 'node:os';
import { formatTime } from '#/base/clock.ts';
import { apiVersion, oldestApiVersion } from '#/api/docker/api-version.ts';
import type { Handler } from '#/api/docker/call.ts';
import { hostArchitecture } from '#/api/docker/system/host.ts';

/** The one answer that is no JSON; its headers are how clients learn the API version. */
export const ping: Handler = async ({ answer, request, facts }) => {
  const stream = answer.stream('text/plain; charset=utf-8', {
    'Api-Version': apiVersion,
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    'Docker-Experimental': 'false',
    'Builder-Version': '1',
    Ostype: 'linux',
    Pragma: 'no-cache',
    Server: `berth/${facts.version} (linux)`,
    Swarm: 'inactive',
    'Content-Length': '2',
  });
  if (request.method !== 'HEAD') await stream.write('OK');
  stream.end();
};

export const version: Handler = async ({ answer, facts }) => {
  const architecture = hostArchitecture();
  const built = formatTime(facts.startedAt);
  answer.send(200, {
    Platform: { Name: 'berth' },
    Components: [
      {
        Name: 'Engine',
        Version: facts.version,
        Details: {
          ApiVersion: apiVersion,
          Arch: architecture,
          GitCommit: facts.revision,
          KernelVersion: release(),
          MinAPIVersion: oldestApiVersion,
          NodeVersion: process.versions.node,
          Os: 'linux',
        },
      },
      { Name: 'runc', Version: facts.runtimeVersion, Details: { Path: facts.runtimePath } },
    ],
    Version: facts.version,
    ApiVersion: apiVersion,
    MinAPIVersion: oldestApiVersion,
    GitCommit: facts.revision,
    GoVersion: `node ${process.versions.node}`,
    Os: 'linux',
    Arch: architecture,
    KernelVersion: release(),
    BuildTime: built,
  });
};
