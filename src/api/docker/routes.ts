import { EngineError } from '#/base/errors.ts';
import { containerRoutes } from '#/api/docker/containers/routes.ts';
import { execRoutes } from '#/api/docker/execs/routes.ts';
import { imageRoutes } from '#/api/docker/images/routes.ts';
import { systemRoutes } from '#/api/docker/system/routes.ts';
import { laterRoutes } from '#/api/docker/later-routes.ts';
import type { Route } from '#/api/docker/call.ts';

const routes: readonly Route[] = [...systemRoutes, ...containerRoutes, ...execRoutes, ...imageRoutes, ...laterRoutes];

export interface FoundRoute {
  readonly route: Route;
  readonly parts: readonly string[];
}

/** Throws `not-found` in Docker's words for a path that nothing serves. */
export function findRoute(method: string, path: string): FoundRoute {
  for (const route of routes) {
    if (route.method !== method) continue;
    const match = route.pattern.exec(path);
    if (match !== null) return { route, parts: match.slice(1).map(decodePart) };
  }
  throw new EngineError('not-found', `page not found: berth has no ${method} ${path}`);
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new EngineError(
      'invalid-argument',
      `Cannot read the path part ${JSON.stringify(text)}: its % signs are no encoding`,
      { cause },
    );
  }
}
