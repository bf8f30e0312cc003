import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { describeFailure, EngineError, isKind, messageOf } from '#/base/errors.ts';
import { newContainerId } from '#/base/ids.ts';
import { findUser } from '#/oci/find-user.ts';
import { selectCapabilities } from '#/oci/capabilities.ts';
import type { ProcessKey } from '#/core/tasks/contract.ts';
import { attachStdio, makeStreams, type Streams } from '#/core/tasks/stdio.ts';
import { processTypeUrl, type SpecProcess } from '#/oci/runtime-spec.ts';
import { stdioDirectory } from '#/engine/container-files.ts';
import { isRunning, type EngineContainer } from '#/engine/container-record.ts';
import { announce, inBackground, reload, type EngineContext } from '#/engine/context.ts';
import type { ExecConfig, ExecInstance } from '#/engine/exec-instance.ts';
import { rememberExec } from '#/engine/remembered-exec.ts';
import { letGoOfInput } from '#/engine/let-go-of-input.ts';
import { findContainer } from '#/engine/find-container.ts';
import { processEnv } from '#/engine/merge-image-config.ts';
import { userFilesBelow } from '#/engine/read-user-files.ts';
import { outputDrained } from '#/engine/supervise.ts';

const mostPerContainer = 4096;

/** Registers a process to be run in a running container; answers its id. */
export function createExec(context: EngineContext, namespace: string, name: string, config: ExecConfig): ExecInstance {
  const container = findContainer(context, namespace, name);
  requireRunning(container);
  if (config.cmd.length === 0)
    throw new EngineError('invalid-argument', `Cannot exec in container "${name}": No exec command specified`);
  forgetOldest(context, container.id);
  const exec: ExecInstance = {
    id: newContainerId(),
    namespace,
    containerId: container.id,
    config,
    state: { kind: 'created' },
    ended: Promise.withResolvers<number>(),
  };
  context.execs.set(exec.id, exec);
  announce(context, container, `exec_create: ${config.cmd.join(' ')}`, { execID: exec.id });
  return exec;
}

function requireRunning(container: EngineContainer): void {
  if (!isRunning(container.state)) throw new EngineError('conflict', `Container ${container.id} is not running`);
  if (container.state.paused)
    throw new EngineError('conflict', `Container ${container.id} is paused, unpause the container before exec`);
}

/** Ended ones are remembered so that their exit codes can be asked for, but not for ever. */
function forgetOldest(context: EngineContext, containerId: string): void {
  const known = [...context.execs.values()].filter((exec) => exec.containerId === containerId);
  if (known.length < mostPerContainer) return;
  const oldest = known.find((exec) => exec.state.kind === 'exited');
  if (oldest === undefined)
    throw new EngineError(
      'resource-exhausted',
      `Cannot exec in container "${containerId}": ${known.length} processes run in it already`,
    );
  context.execs.delete(oldest.id);
}

export function findExec(context: EngineContext, id: string): ExecInstance {
  const exec = context.execs.get(id);
  if (exec !== undefined) return exec;
  throw new EngineError('not-found', `No such exec instance: ${id}`);
}

/** Throws `not-found`, or `conflict` when it was started before or its container does not run. */
export function requireStartable(context: EngineContext, id: string): ExecInstance {
  const exec = findExec(context, id);
  if (exec.state.kind !== 'created')
    throw new EngineError('conflict', `Cannot start exec ${id}: it was started already`);
  requireRunning(reload(context, exec.namespace, exec.containerId));
  return exec;
}

export interface StartExec {
  readonly detach: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
}

export interface StartedExec {
  readonly exec: ExecInstance;
  /** Undefined when detached. */
  readonly stream: Socket | undefined;
}

/** Runs a registered process; its streams are connected before its first byte. */
export async function startExec(context: EngineContext, id: string, options: StartExec): Promise<StartedExec> {
  const exec = requireStartable(context, id);
  const { namespace, containerId, config } = exec;
  const container = reload(context, namespace, containerId);
  const streams = await makeExecStreams(context, exec, options);
  const key: ProcessKey = { namespace, id: containerId, execId: id };
  try {
    const process = await processOf(context, container, exec, options);
    const adding = context.tasks.exec(namespace, containerId, { execId: id, process, stdio: streams.stdio });
    await Promise.all([adding, streams.hold(adding)]);
    const { stream, pid } = await runRegistered(context, exec, { streams, options });
    await letGoOfInput(context, key, streams.stdio);
    exec.state = { kind: 'running', pid };
    announce(context, container, `exec_start: ${config.cmd.join(' ')}`, { execID: id });
    inBackground(context, `watching exec "${id}"`, watchExec(context, container, exec));
    return { exec, stream };
  } catch (error) {
    await streams.stop();
    await rm(stdioDirectory(context, id), { recursive: true, force: true });
    const failure = describeFailure(`Cannot exec in container "${container.record.name}"`, error);
    endExec(exec, 0, /permission denied/i.test(failure.message) ? 126 : 127);
    throw failure;
  }
}

async function makeExecStreams(context: EngineContext, exec: ExecInstance, { detach }: StartExec): Promise<Streams> {
  const { namespace, containerId, config } = exec;
  const directory = stdioDirectory(context, exec.id);
  const wanted = {
    directory,
    terminal: config.tty,
    openStdin: config.attachStdin && !detach,
    stdinOnce: !config.tty,
    stderr: !config.tty,
  };
  const holder = await context.tasks.streamHolder(namespace, containerId);
  const streams = await makeStreams(wanted, { holder, binary: context.stdioBinary });
  await rememberExec(directory, exec);
  return streams;
}

/** Attaches to a process that the shim knows, then starts it; takes it back when it cannot be started. */
async function runRegistered(
  context: EngineContext,
  { id: execId, namespace, containerId: id, config }: ExecInstance,
  { streams, options }: { readonly streams: Streams; readonly options: StartExec },
): Promise<{ readonly stream: Socket | undefined; readonly pid: number }> {
  const key: ProcessKey = { namespace, id, execId };
  try {
    const stream = options.detach
      ? undefined
      : await attachStdio(streams.socketPath, {
          stdin: config.attachStdin,
          stdout: config.attachStdout || config.tty,
          stderr: config.attachStderr && !config.tty,
          raw: config.tty,
          once: !config.tty,
        });
    return { stream, ...(await context.tasks.start(key)) };
  } catch (error) {
    await context.tasks.deleteExec(key.namespace, key.id, key.execId).catch(() => {});
    throw error;
  }
}

function endExec(exec: ExecInstance, pid: number, exitCode: number): void {
  exec.state = { kind: 'exited', pid, exitCode };
  exec.ended.resolve(exitCode);
}

/** The process's own spec: the container's, with what this exec says instead. */
async function processOf(
  context: EngineContext,
  container: EngineContainer,
  { config }: ExecInstance,
  { consoleSize }: StartExec,
): Promise<{ typeUrl: string; value: Uint8Array }> {
  const spec = JSON.parse(new TextDecoder().decode(container.core.spec.value)) as { process: SpecProcess };
  const base = spec.process;
  const pid = isRunning(container.state) ? container.state.pid : 0;
  const files = await userFilesBelow(`/proc/${pid}/root`);
  const user = findUser(
    config.user === '' ? container.record.config.User : config.user,
    files,
    container.record.hostConfig.GroupAdd,
  );
  const { present, hostname } = { present: context.host.capabilities, hostname: container.record.config.Hostname };
  const capabilities = config.privileged
    ? selectCapabilities({ add: [], drop: [], privileged: true, present })
    : base.capabilities.bounding;
  const own = user.uid === 0 || config.privileged ? capabilities : [];
  const process: SpecProcess = {
    ...base,
    terminal: config.tty,
    ...(consoleSize === undefined ? {} : { consoleSize }),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args: config.cmd,
    env: processEnv({
      env: [...container.record.config.Env, ...config.env],
      hostname,
      terminal: config.tty,
      home: user.home,
    }),
    cwd: config.workingDir === '' ? base.cwd : config.workingDir,
    capabilities: { bounding: capabilities, permitted: own, effective: own },
  };
  return { typeUrl: processTypeUrl, value: new TextEncoder().encode(JSON.stringify(process)) };
}

export async function watchExec(context: EngineContext, container: EngineContainer, exec: ExecInstance): Promise<void> {
  const { namespace, containerId, id } = exec;
  let exitCode = 255;
  try {
    exitCode = (await context.tasks.wait({ namespace, id: containerId, execId: id }, context.closing)).exitStatus;
  } catch (error) {
    if (context.closing.aborted) return;
    context.logger.warn('an exec ended unseen', { id, error: messageOf(error) });
  }
  await outputDrained(context, id);
  await context.tasks.deleteExec(namespace, containerId, id).catch((error: unknown) => {
    if (!isKind(error, 'not-found'))
      context.logger.warn('an ended exec was not deleted', { id, error: messageOf(error) });
  });
  await rm(stdioDirectory(context, id), { recursive: true, force: true });
  endExec(exec, exec.state.kind === 'running' ? exec.state.pid : 0, exitCode);
  announce(context, container, 'exec_die', { execID: id, exitCode: String(exitCode) });
}

export async function resizeExec(
  context: EngineContext,
  id: string,
  size: { readonly width: number; readonly height: number },
): Promise<void> {
  const { namespace, containerId } = findExec(context, id);
  await context.tasks.resize({ namespace, id: containerId, execId: id }, size);
}
