import type { Route } from '#/api/docker/call.ts';
import { createExecHandler, inspectExec, resizeExecHandler } from '#/api/docker/execs/manage.ts';
import { startExecHandler } from '#/api/docker/execs/start.ts';

/** Engine API, "Exec". */
export const execRoutes: readonly Route[] = [
  { method: 'POST', pattern: /^\/containers\/([^/]+)\/exec$/, handle: createExecHandler },
  { method: 'POST', pattern: /^\/exec\/([^/]+)\/start$/, handle: startExecHandler },
  { method: 'POST', pattern: /^\/exec\/([^/]+)\/resize$/, handle: resizeExecHandler },
  { method: 'GET', pattern: /^\/exec\/([^/]+)\/json$/, handle: inspectExec },
];
