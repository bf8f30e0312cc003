import { EngineError } from '#/base/errors.ts';
import { findContainer } from '#/engine/find-container.ts';
import { isRunning } from '#/engine/container-record.ts';
import { announce } from '#/engine/context.ts';
import { killContainer } from '#/engine/kill.ts';
import { setPaused } from '#/engine/pause.ts';
import { removeContainer } from '#/engine/remove.ts';
import { renameContainer } from '#/engine/rename.ts';
import { restartContainer } from '#/engine/restart.ts';
import { startContainer } from '#/engine/start.ts';
import { stopContainer, type StopOptions } from '#/engine/stop.ts';
import { containerProcesses } from '#/engine/top.ts';
import { queryFlag, queryNumber, type Call, type Handler } from '#/api/docker/call.ts';

const nameOf = ({ path }: Call): string => path[0] ?? '';

export const start: Handler = async (call) => {
  if (call.query.get('checkpoint'))
    throw new EngineError('unimplemented', 'Cannot start from a checkpoint: berth has none yet');
  await startContainer(call.engine, call.namespace, nameOf(call));
  call.answer.send(204);
};

function stopOptions({ query }: Call): StopOptions {
  const timeout = queryNumber(query, 't');
  const signal = query.get('signal');
  return { ...(timeout === undefined ? {} : { timeout }), ...(signal === null || signal === '' ? {} : { signal }) };
}

export const stop: Handler = async (call) => {
  await stopContainer(call.engine, call.namespace, nameOf(call), stopOptions(call));
  call.answer.send(204);
};

export const restart: Handler = async (call) => {
  await restartContainer(call.engine, call.namespace, nameOf(call), stopOptions(call));
  call.answer.send(204);
};

export const kill: Handler = async (call) => {
  await killContainer(call.engine, call.namespace, nameOf(call), call.query.get('signal') ?? '');
  call.answer.send(204);
};

export const pause: Handler = async (call) => {
  await setPaused(call.engine, call.namespace, nameOf(call), true);
  call.answer.send(204);
};

export const unpause: Handler = async (call) => {
  await setPaused(call.engine, call.namespace, nameOf(call), false);
  call.answer.send(204);
};

export const rename: Handler = async (call) => {
  await renameContainer(call.engine, call.namespace, nameOf(call), call.query.get('name') ?? '');
  call.answer.send(204);
};

export const remove: Handler = async (call) => {
  if (queryFlag(call.query, 'link')) throw new EngineError('unimplemented', 'Cannot remove a link: berth has no links');
  await removeContainer(call.engine, call.namespace, nameOf(call), { force: queryFlag(call.query, 'force') });
  call.answer.send(204);
};

export const resize: Handler = async (call) => {
  const { engine, namespace } = call;
  const container = findContainer(engine, namespace, nameOf(call));
  if (!isRunning(container.state)) throw new EngineError('conflict', `Container ${container.id} is not running`);
  const size = terminalSize(call);
  await engine.tasks.resize({ namespace, id: container.id, execId: '' }, size);
  announce(engine, container, 'resize', { height: String(size.height), width: String(size.width) });
  call.answer.send(200);
};

export function terminalSize({ query }: Call): { readonly width: number; readonly height: number } {
  const [width, height] = [queryNumber(query, 'w') ?? 0, queryNumber(query, 'h') ?? 0];
  if (width >= 0 && height >= 0 && width < 65_536 && height < 65_536) return { width, height };
  throw new EngineError('invalid-argument', `Cannot resize a terminal to ${width} by ${height}`);
}

export const top: Handler = async (call) => {
  const table = await containerProcesses(call.engine, call.namespace, nameOf(call), call.query.get('ps_args') ?? '');
  call.answer.send(200, { Titles: table.titles, Processes: table.processes });
};
