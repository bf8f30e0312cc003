import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { inNamespace, openApi } from '#/api/containerd/open-api.suite.ts';
import { openTaskDaemon, openTaskPlace, putContainer, specFor } from '#/core/tasks/tasks.fixture.ts';
import type { TaskPlace } from '#/core/tasks/tasks.fixture.ts';
import { CheckpointOptionsSchema, OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import { parseDigest } from '#/oci/digest.ts';
import { anyOfValue, jsonTypeUrls, packMessage } from '#/rpc/any.ts';

const limit = { timeout: 60_000 };
const { create, start, checkpoint, kill, wait } = Tasks.method;
const stateType = 'application/vnd.containerd.container.criu.checkpoint.criu.tar';

/**
 * runc as it is where CRIU works, which is not everywhere: it writes a state of one word, and restores by that word
 * being there. All else is runc's.
 */
async function writeRuntime({ path }: TaskPlace, word: string): Promise<string> {
  const file = join(path, 'runtime');
  const script = `#!/bin/sh
all="$*"
image=\${all#*--image-path }; image=\${image%% *}
case " $all " in
  *' checkpoint '*) echo ${word} > "$image/dump.img"; exit 0 ;;
  *' restore '*)
    grep -q ${word} "$image/dump.img" || { echo "no dump in $image" >&2; exit 1; }
    bundle=\${all#*--bundle }; bundle=\${bundle%% *}
    pid=\${all#*--pid-file }; pid=\${pid%% *}
    root=\${all#*--root }; root=\${root%% *}
    exec runc --root "$root" run --detach --bundle "$bundle" --pid-file "$pid" "\${all##* }" ;;
esac
exec runc "$@"
`;
  await writeFile(file, script);
  await chmod(file, 0o755);
  return file;
}

test('a checkpoint becomes two blobs, from which a task goes on', limit, async () => {
  await using place = await openTaskPlace();
  await using daemon = await openTaskDaemon(place);
  await using rig = await openApi({ tasks: daemon.tasks, metadata: daemon.metadata, events: daemon.events });
  const { namespace } = place;
  const { client, core } = rig;
  const here = inNamespace(namespace);
  const options = anyOfValue(packMessage(OptionsSchema, { binaryName: await writeRuntime(place, 'frozen') }));
  const rootfs = place.rootfs.map((mount) => ({ ...mount, options: [...mount.options] }));
  const run = async (containerId: string, more: object = {}): Promise<void> => {
    await putContainer(daemon, namespace, containerId, specFor(namespace, containerId, ['/bin/sleep', '1000']));
    await client.unary(create, { containerId, rootfs, options, ...more }, here);
    await client.unary(start, { containerId }, here);
  };
  await run('one');
  const { descriptors } = await client.unary(checkpoint, { containerId: 'one' }, here);
  const [state, config] = descriptors;
  assert.deepEqual(
    descriptors.map(({ mediaType }) => mediaType),
    [stateType, 'application/vnd.containerd.container.checkpoint.config.v1+proto'],
  );
  const spec = await core.content.readWhole(namespace, parseDigest(config?.digest ?? ''), 1 << 20);
  assert(Buffer.from(spec).includes(jsonTypeUrls.spec));
  const archive = await core.content.readWhole(namespace, parseDigest(state?.digest ?? ''), 1 << 20);
  assert(Buffer.from(archive).includes('dump.img') && Buffer.from(archive).includes('frozen'));
  const path = join(place.path, 'kept');
  await mkdir(path);
  const kept = anyOfValue(packMessage(CheckpointOptionsSchema, { imagePath: path }));
  assert.deepEqual((await client.unary(checkpoint, { containerId: 'one', options: kept }, here)).descriptors, []);
  assert.equal(await readFile(join(path, 'dump.img'), 'utf8'), 'frozen\n');
  assert(state !== undefined);
  await run('two', { checkpoint: state });
  await run('three', { checkpoint: { ...state, annotations: { RestoreFromPath: path } } });
  for (const containerId of ['one', 'two', 'three']) {
    await client.unary(kill, { containerId, signal: 9 }, here);
    assert.equal((await client.unary(wait, { containerId }, here)).exitStatus, 137);
    await client.unary(Tasks.method.delete, { containerId }, here);
  }
});

test('what cannot be checkpointed or restored says why, in the runtime’s words too', limit, async () => {
  await using place = await openTaskPlace();
  await using daemon = await openTaskDaemon(place);
  await using rig = await openApi({ tasks: daemon.tasks, metadata: daemon.metadata, events: daemon.events });
  const { namespace } = place;
  const { client } = rig;
  const here = inNamespace(namespace);
  const rootfs = place.rootfs.map((mount) => ({ ...mount, options: [...mount.options] }));
  const binary = join(place.path, 'broken');
  await writeFile(
    binary,
    '#!/bin/sh\ncase " $* " in *" checkpoint "*) echo "no criu here" >&2; exit 1;; esac\nexec runc "$@"\n',
  );
  await chmod(binary, 0o755);
  const options = anyOfValue(packMessage(OptionsSchema, { binaryName: binary }));
  await assert.rejects(client.unary(checkpoint, { containerId: 'one' }, here), { kind: 'not-found' });
  await putContainer(daemon, namespace, 'one', specFor(namespace, 'one', ['/bin/sleep', '1000']));
  await client.unary(create, { containerId: 'one', rootfs, options }, here);
  await client.unary(start, { containerId: 'one' }, here);
  await assert.rejects(client.unary(checkpoint, { containerId: 'one' }, here), { message: /no criu here/ });
  await assert.rejects(client.unary(checkpoint, { containerId: 'one', options }, here), { kind: 'invalid-argument' });
  await assert.rejects(client.unary(checkpoint, { containerId: 'one', parentCheckpoint: 'x' }, here), {
    kind: 'unimplemented',
  });
  await putContainer(daemon, namespace, 'two', specFor(namespace, 'two', ['/bin/true']));
  const digest = `sha256:${'0'.repeat(64)}`;
  const from = (mediaType: string): Promise<unknown> =>
    client.unary(create, { containerId: 'two', checkpoint: { mediaType, digest, size: 1n } }, here);
  await assert.rejects(from('text/plain'), { kind: 'invalid-argument' });
  await assert.rejects(from(stateType), { kind: 'not-found' });
  await client.unary(kill, { containerId: 'one', signal: 9 }, here);
  await client.unary(wait, { containerId: 'one' }, here);
  await client.unary(Tasks.method.delete, { containerId: 'one' }, here);
});
