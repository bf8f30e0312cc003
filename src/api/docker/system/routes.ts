import type { Route } from '#/api/docker/call.ts';
import { auth } from '#/api/docker/system/auth.ts';
import { events } from '#/api/docker/system/events.ts';
import { info } from '#/api/docker/system/info.ts';
import { ping, version } from '#/api/docker/system/version.ts';

/** Engine API, "System". */
export const systemRoutes: readonly Route[] = [
  { method: 'GET', pattern: /^\/_ping$/, handle: ping },
  { method: 'HEAD', pattern: /^\/_ping$/, handle: ping },
  { method: 'GET', pattern: /^\/version$/, handle: version },
  { method: 'GET', pattern: /^\/info$/, handle: info },
  { method: 'GET', pattern: /^\/events$/, handle: events },
  { method: 'POST', pattern: /^\/auth$/, handle: auth },
];
