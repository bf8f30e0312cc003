import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { anyOfValue, packMessage } from '#/rpc/any.ts';
import { openShimPlace, rootfsOf, shimBinary, task } from '../support/shim.ts';

test('a shim may have as many descriptors as its caller can allow, and the runtime as many as its caller had', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'descriptors-'));
  const binary = join(directory.path, 'containerd-shim-berth-v1');
  await writeFile(binary, `#!/bin/sh\nulimit -Sn 300\nulimit -Hn 4000\nexec ${shimBinary} "$@"\n`, { mode: 0o755 });
  await using shims = await openShimPlace(binary);
  const said = join(directory.path, 'said');
  const runtime = join(directory.path, 'runtime');
  await writeFile(runtime, `#!/bin/sh\nulimit -Sn >${said}\nexec runc "$@"\n`, { mode: 0o755 });
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const { id } = bundle;
  const options = anyOfValue(packMessage(OptionsSchema, { binaryName: runtime }));
  await shim.call(task.create, { id, bundle: bundle.path, rootfs: rootfsOf(shims), options });
  assert.match(await readFile(`/proc/${shim.pid}/limits`, 'utf8'), /^Max open files +4000 +4000 /m);
  assert.equal(await readFile(said, 'utf8'), '300\n');
});
