import { createExec, findExec, resizeExec } from '#/engine/exec.ts';
import type { ExecInstance } from '#/engine/exec-instance.ts';
import type { Handler } from '#/api/docker/call.ts';
import { terminalSize } from '#/api/docker/containers/lifecycle.ts';
import { Fields } from '#/api/docker/json-fields.ts';
import { readJson } from '#/api/docker/read-json.ts';

export const createExecHandler: Handler = async (call) => {
  const fields = new Fields(await readJson(call), 'ExecConfig');
  fields.raw('ConsoleSize');
  fields.raw('Detach');
  const config = {
    cmd: fields.texts('Cmd'),
    env: fields.texts('Env'),
    user: fields.text('User'),
    workingDir: fields.text('WorkingDir'),
    tty: fields.flag('Tty'),
    privileged: fields.flag('Privileged'),
    attachStdin: fields.flag('AttachStdin'),
    attachStdout: fields.flag('AttachStdout'),
    attachStderr: fields.flag('AttachStderr'),
    detachKeys: fields.text('DetachKeys'),
  };
  fields.refuseRest();
  const exec = createExec(call.engine, call.namespace, call.path[0] ?? '', config);
  call.answer.send(201, { Id: exec.id });
};

export const resizeExecHandler: Handler = async (call) => {
  await resizeExec(call.engine, call.path[0] ?? '', terminalSize(call));
  call.answer.send(200);
};

export const inspectExec: Handler = async ({ engine, path, answer }) => {
  answer.send(200, describe(findExec(engine, path[0] ?? '')));
};

function describe({ id, containerId, config, state }: ExecInstance): object {
  return {
    ID: id,
    Running: state.kind === 'running',
    ExitCode: state.kind === 'exited' ? state.exitCode : null,
    ProcessConfig: {
      tty: config.tty,
      entrypoint: config.cmd[0] ?? '',
      arguments: config.cmd.slice(1),
      privileged: config.privileged,
      user: config.user,
    },
    OpenStdin: config.attachStdin,
    OpenStderr: config.attachStderr,
    OpenStdout: config.attachStdout,
    CanRemove: state.kind === 'exited',
    ContainerID: containerId,
    DetachKeys: config.detachKeys,
    Pid: state.kind === 'created' ? 0 : state.pid,
  };
}
