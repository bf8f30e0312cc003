/** A process that makes and deletes tasks until it is killed. Its argument is a TaskPlace as JSON. */
import { newToken } from '#/base/ids.ts';
import type { TaskPlace } from '#/core/tasks/tasks.fixture.ts';
import { noStdio, openTaskDaemon, putContainer, specFor } from '#/core/tasks/tasks.fixture.ts';

const place = JSON.parse(process.argv[2] ?? '') as TaskPlace;
const { namespace, rootfs } = place;
const daemon = await openTaskDaemon(place);

async function live(args: readonly string[]): Promise<void> {
  const id = newToken(4);
  const key = { namespace, id, execId: '' };
  await putContainer(daemon, namespace, id, specFor(namespace, id, args));
  await daemon.tasks.create(namespace, id, { rootfs, stdio: noStdio });
  await daemon.tasks.start(key);
  process.stderr.write(`${args[0] === '/bin/sleep' ? 'stays' : 'started'} ${id}\n`);
  await daemon.tasks.wait(key);
  await daemon.tasks.delete(namespace, id);
}

void live(['/bin/sleep', '1000']);
for (;;) await live(['/bin/true']);
