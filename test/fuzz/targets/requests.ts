/** Requests to Docker's API, what registries answer, and what the daemon's own files say. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryFilters, queryNumber } from '#/api/docker/call.ts';
import { readCreateBody } from '#/api/docker/containers/read-create.ts';
import { detachFilter, detachSequence } from '#/api/docker/detach-keys.ts';
import { findCredentials } from '#/core/registry/credentials.ts';
import { followUrl } from '#/core/registry/redirects.ts';
import { proxyFor } from '#/core/registry/proxy.ts';
import { parseBind } from '#/engine/parse-bind.ts';
import { readLog } from '#/engine/read-log.ts';
import { kindOf } from '#/base/errors.ts';
import type { FuzzTarget } from '../target.ts';

const createBody = {
  Image: 'hello',
  Cmd: ['sh', '-c', 'true'],
  Env: ['A=b'],
  Labels: { a: 'b' },
  Tty: true,
  ExposedPorts: { '80/tcp': {} },
  StopTimeout: 3,
  HostConfig: {
    NetworkMode: 'none',
    Binds: ['/tmp:/x:ro'],
    Memory: 1_000_000,
    NanoCpus: 5,
    Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }],
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
    Tmpfs: { '/t': 'size=1m' },
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
  },
  NetworkingConfig: { EndpointsConfig: {} },
};

const jsonWords = ['null', '{}', '[]', '-1', '1e309', '"', '"__proto__":', 'true', '""', '[[]]', '1.5'];

/** JSON that does not parse never gets to the reader. */
function json(input: Buffer): unknown {
  try {
    return JSON.parse(input.toString());
  } catch {
    return undefined;
  }
}

export const requestTargets: readonly FuzzTarget[] = [
  {
    name: 'readCreateBody',
    seeds: [JSON.stringify(createBody), JSON.stringify({ Image: 'x' })],
    words: jsonWords,
    run: (input) => Object.keys(readCreateBody(json(input))).length,
  },
  {
    name: 'queryFilters',
    seeds: ['{"label":["a=b"]}', '{"status":{"running":true}}'],
    words: jsonWords,
    run: (input) =>
      [...queryFilters(new URLSearchParams({ filters: input.toString() }), ['label', 'status']).keys()].join(),
  },
  {
    name: 'queryNumber',
    seeds: ['10', '-1', '999999999999999'],
    run: (input) => typeof queryNumber(new URLSearchParams({ n: input.toString() }), 'n'),
  },
  {
    name: 'detachSequence',
    seeds: ['ctrl-p,ctrl-q', 'a,b,ctrl-@', ''],
    words: ['ctrl-', ','],
    run(input) {
      const sequence = detachSequence(input.toString());
      const filter = detachFilter(sequence);
      return String(filter.push(sequence).detached);
    },
  },
  {
    name: 'parseBind',
    seeds: ['/a:/b', '/a:/b:ro,rshared', 'name:/b', '/a:/../..:rw'],
    words: [':', '/', '..', '\0', 'ro', ','],
    run(input) {
      const { source, destination } = parseBind(input.toString());
      for (const path of [source, destination]) assert(path.startsWith('/') && !path.split('/').includes('..'));
      return 'bind';
    },
  },
  {
    name: 'readLog',
    seeds: [
      '{"log":"a\\n","stream":"stdout","time":"2026-01-02T03:04:05.123456789Z"}\n',
      '{"log":"b","stream":"stderr","time":"2026-01-02T03:04:05Z"}\n\n{"log":"\\u0000"}\n',
    ],
    words: ['\n', ...jsonWords],
    async run(input) {
      await using directory = await mkdtempDisposable(join(tmpdir(), 'fuzz-log-'));
      const path = join(directory.path, 'log');
      await writeFile(path, input);
      const entries = await Array.fromAsync(readLog(path, { stdout: true, stderr: true, tail: 3 }));
      assert(entries.length <= 3);
      return entries.map(({ stream }) => stream).join();
    },
  },
  {
    name: 'findCredentials',
    seeds: [
      '{"auths":{"localhost:5000":{"auth":"YTpi"},"https://index.docker.io/v1/":{"identitytoken":"x"}}}',
      '{"auths":{"localhost:5000":{"username":"a","password":"b","registrytoken":"c"}}}',
    ],
    words: [...jsonWords, '"credsStore":', '"credHelpers":', 'localhost:5000', '"../x"'],
    async run(input) {
      await using directory = await mkdtempDisposable(join(tmpdir(), 'fuzz-auth-'));
      const path = join(directory.path, 'config.json');
      await writeFile(path, input);
      return Object.keys((await findCredentials([path], 'localhost:5000', { PATH: directory.path })) ?? {}).join();
    },
  },
  {
    name: 'followUrl',
    seeds: ['https://other.example/v2/x?y', '/v2/x', '//host/x', 'http://[::1]:5000/'],
    words: ['file:', 'http:', '//', '@', ':', '\0', ' '],
    run(input) {
      const url = followUrl(new URL('https://registry.example/v2/a'), input.toString());
      assert(url.protocol === 'https:' || url.protocol === 'http:', `${url.protocol} is followed`);
      return url.protocol;
    },
  },
  {
    name: 'proxyFor',
    seeds: ['http://proxy:3128\nexample.com,.internal,10.0.0.0/8', 'proxy\n*', 'http://u:p@[::1]:1\n'],
    words: [',', '*', '/', '10.0.0.1', ':', '::'],
    run(input) {
      const [https_proxy = '', no_proxy = ''] = input.toString().split('\n', 2);
      try {
        return typeof proxyFor(new URL('https://registry.example/'), { https_proxy, no_proxy });
      } catch (error) {
        return kindOf(error);
      }
    },
  },
];
