/** The image that needs no registry: Debian's busybox-static, made on the spot into a docker archive. */
import { readFile } from 'node:fs/promises';
import { digestOf } from '#/oci/digest.ts';
import { hostPlatform } from '#/oci/platform.ts';
import type { TarEntry } from '#/oci/tar-entry.ts';
import { encodeTarEntry, paddingAfter, tarEnd } from '#/oci/tar-writer.ts';

const applets = [
  'sh',
  'ash',
  'cat',
  'echo',
  'ls',
  'ps',
  'id',
  'env',
  'sleep',
  'true',
  'false',
  'yes',
  'head',
  'tail',
  'wc',
  'grep',
  'sed',
  'mkdir',
  'rm',
  'cp',
  'mv',
  'ln',
  'touch',
  'stat',
  'readlink',
  'chmod',
  'chown',
  'kill',
  'hostname',
  'mount',
  'ip',
  'ping',
  'wget',
  'nc',
  'vi',
  'top',
  'df',
  'du',
  'dd',
  'sha256sum',
  'tar',
  'test',
  'printf',
  'seq',
  'date',
  'uname',
  'whoami',
  'tty',
  'stty',
  'awk',
  'cut',
  'sort',
  'tr',
  'find',
  'xargs',
  'trap',
  'seq',
  'usleep',
  'mknod',
] as const;

const greeting = `
Hello from berth!

This container runs from an OCI image that was just made of Debian's busybox-static:
its layer was unpacked into a snapshot, a shim and an OCI runtime started it, and
what you read came through its streams to your terminal. No dock was needed.

Look around:  bin/berth run -it --rm --network none hello sh
`;

const files: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\nnobody:x:65534:\n',
  'etc/hello': greeting.trimStart(),
};

const directories = ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp', 'var'] as const;

interface Member {
  readonly entry: TarEntry;
  readonly data?: Uint8Array;
}

const entryOf = (name: string, more: Partial<TarEntry> & Pick<TarEntry, 'type'>): TarEntry => ({
  name,
  linkName: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  modified: 0n,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: new Map(),
  ...more,
});

const fileMember = (name: string, data: Uint8Array, mode = 0o644): Member => ({
  entry: entryOf(name, { type: 'file', size: data.length, mode }),
  data,
});

function packTar(members: readonly Member[]): Buffer {
  const parts = members.flatMap(({ entry, data }) => [
    encodeTarEntry(entry),
    ...(data === undefined ? [] : [data, paddingAfter(data.length)]),
  ]);
  return Buffer.concat([...parts, tarEnd]);
}

async function makeLayer(): Promise<Buffer> {
  const busybox = await readFile('/bin/busybox');
  return packTar([
    ...directories.map((name) => ({
      entry: entryOf(`${name}/`, { type: 'directory', mode: name === 'tmp' ? 0o1777 : 0o755 }),
    })),
    fileMember('bin/busybox', busybox, 0o755),
    ...[...new Set(applets)].map((name) => ({
      entry: entryOf(`bin/${name}`, { type: 'symlink', linkName: 'busybox', mode: 0o777 }),
    })),
    ...Object.entries(files).map(([name, text]) => fileMember(name, Buffer.from(text))),
  ]);
}

/** A docker archive (`docker save`) with one image of one layer, named as asked. */
export async function makeHelloArchive(name = 'hello:latest'): Promise<Buffer> {
  const layer = await makeLayer();
  const { os, architecture } = hostPlatform();
  const config = Buffer.from(
    JSON.stringify({
      os,
      architecture,
      created: '2026-11-21T00:00:00Z',
      config: { Env: ['PATH=/bin'], Cmd: ['cat', '/etc/hello'], WorkingDir: '/' },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
      history: [{ created: '2026-11-21T00:00:00Z', created_by: 'busybox-static' }],
    }),
  );
  const configName = `${digestOf(config).slice('sha256:'.length)}.json`;
  const manifest = Buffer.from(JSON.stringify([{ Config: configName, RepoTags: [name], Layers: ['layer.tar'] }]));
  return packTar([
    fileMember(configName, config),
    fileMember('layer.tar', layer),
    fileMember('manifest.json', manifest),
  ]);
}
