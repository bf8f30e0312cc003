/** What `docker exec` asks for (Engine API `ExecConfig`). */
export interface ExecConfig {
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  readonly tty: boolean;
  readonly privileged: boolean;
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  readonly detachKeys: string;
}

export type ExecState =
  | { readonly kind: 'created' }
  | { readonly kind: 'running'; readonly pid: number }
  | { readonly kind: 'exited'; readonly pid: number; readonly exitCode: number };

/** A process that was, is or will be run in a container. While it runs, the next daemon can take it over. */
export interface ExecInstance {
  readonly id: string;
  readonly namespace: string;
  readonly containerId: string;
  readonly config: ExecConfig;
  state: ExecState;
  /** Resolved when the process has ended and its output was delivered. */
  readonly ended: PromiseWithResolvers<number>;
}
