/** A process that makes and shuts down sandboxes until it is killed. Its arguments are a TaskPlace as JSON, and a shim. */
import type { TaskPlace } from '#/core/tasks/tasks.fixture.ts';
import { openTaskDaemon } from '#/core/tasks/tasks.fixture.ts';

const [, , text = '', runtime = ''] = process.argv;
const place = JSON.parse(text) as TaskPlace;
const { namespace } = place;
const daemon = await openTaskDaemon(place);
const { sandboxes } = daemon.tasks;
const request = { record: { runtime: { name: runtime } }, rootfs: [], netnsPath: '', annotations: {} };
await sandboxes.create(namespace, 'stays', request);
await sandboxes.start(namespace, 'stays');
process.stderr.write('stays\n');
for (;;) {
  await sandboxes.create(namespace, 'goes', request);
  await sandboxes.start(namespace, 'goes');
  await sandboxes.shutdown(namespace, 'goes');
}
