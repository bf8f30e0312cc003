import type { Route } from '#/api/docker/call.ts';
import { attach } from '#/api/docker/containers/attach.ts';
import { create } from '#/api/docker/containers/create.ts';
import { inspect } from '#/api/docker/containers/inspect.ts';
import {
  kill,
  pause,
  remove,
  rename,
  resize,
  restart,
  start,
  stop,
  top,
  unpause,
} from '#/api/docker/containers/lifecycle.ts';
import { list } from '#/api/docker/containers/list.ts';
import { logs } from '#/api/docker/containers/logs.ts';
import { wait } from '#/api/docker/containers/wait.ts';

const post = (action: string, handle: Route['handle']): Route => ({
  method: 'POST',
  pattern: new RegExp(`^/containers/([^/]+)/${action}$`),
  handle,
});

/** Engine API, "Containers". */
export const containerRoutes: readonly Route[] = [
  { method: 'GET', pattern: /^\/containers\/json$/, handle: list },
  { method: 'POST', pattern: /^\/containers\/create$/, handle: create },
  { method: 'GET', pattern: /^\/containers\/([^/]+)\/json$/, handle: inspect },
  { method: 'GET', pattern: /^\/containers\/([^/]+)\/logs$/, handle: logs },
  { method: 'GET', pattern: /^\/containers\/([^/]+)\/top$/, handle: top },
  { method: 'DELETE', pattern: /^\/containers\/([^/]+)$/, handle: remove },
  post('attach', attach),
  post('kill', kill),
  post('pause', pause),
  post('rename', rename),
  post('resize', resize),
  post('restart', restart),
  post('start', start),
  post('stop', stop),
  post('unpause', unpause),
  post('wait', wait),
];
