import { apiPath, type Api } from '#/client/api-call.ts';
import type { ExecConfig, ExecDetails, TerminalSize } from '#/client/container-payloads.ts';
import type { RawConnection } from '#/client/http/hijack.ts';

export interface ExecStart {
  readonly tty: boolean;
  readonly consoleSize?: TerminalSize | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Further processes in a running container. */
export interface Execs {
  create(container: string, config: ExecConfig): Promise<{ readonly Id: string }>;
  /** Starts it and takes its streams. */
  startAttached(id: string, start: ExecStart): Promise<RawConnection>;
  startDetached(id: string, start: { readonly tty: boolean }): Promise<void>;
  resize(id: string, size: TerminalSize): Promise<void>;
  inspect(id: string): Promise<ExecDetails>;
}

export function openExecs(api: Api): Execs {
  return {
    create: (container, config) =>
      api.json({ method: 'POST', path: apiPath`/containers/${container}/exec`, json: config }),
    startAttached: (id, { tty, consoleSize, signal }) =>
      api.raw({
        method: 'POST',
        path: apiPath`/exec/${id}/start`,
        json: {
          Detach: false,
          Tty: tty,
          ...(consoleSize === undefined ? {} : { ConsoleSize: [consoleSize.rows, consoleSize.columns] }),
        },
        signal,
      }),
    startDetached: (id, { tty }) =>
      api.done({ method: 'POST', path: apiPath`/exec/${id}/start`, json: { Detach: true, Tty: tty } }),
    resize: (id, { rows, columns }) =>
      api.done({ method: 'POST', path: apiPath`/exec/${id}/resize`, query: { h: rows, w: columns } }),
    inspect: (id) => api.json({ method: 'GET', path: apiPath`/exec/${id}/json` }),
  };
}
