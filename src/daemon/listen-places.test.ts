import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeConfig } from '#/daemon/config/daemon-config.ts';
import { migrate } from '#/daemon/config/migrate.ts';
import { readSettings } from '#/daemon/config/read-settings.ts';
import { parseToml } from '#/daemon/config/toml.ts';
import { placeListeners, type ListenPlaces } from '#/daemon/listen-places.ts';
import type { InheritedSocket } from '#/linux/inherited-sockets.ts';

function places(source: string, inherited: readonly InheritedSocket[] = []): ListenPlaces {
  const { settings } = readSettings(migrate(parseToml(source, 'x')));
  return placeListeners(completeConfig(settings, { state: '/s' }), inherited);
}

test('placeListeners() gives each face its socket, and more where the configuration says so', () => {
  const { grpc, ttrpc, docker, debug } = places(`
    version = 4
    [plugins."io.containerd.server.v1.grpc"]
    gid = 7
    [berth.listen]
    grpc = ["/run/containerd/containerd.sock", "/s/berth.sock"]
    docker = ["/var/run/docker.sock"]`);
  assert.deepEqual(grpc, [
    { path: '/s/berth.sock', uid: 0, gid: 7 },
    { path: '/run/containerd/containerd.sock', uid: 0, gid: 7 },
  ]);
  assert.deepEqual(
    ttrpc.map(({ path, gid }) => [path, gid]),
    [
      ['/s/berth.sock.ttrpc', 0],
      ['/run/containerd/containerd.sock.ttrpc', 0],
    ],
  );
  assert.deepEqual(
    docker.map(({ path }) => path),
    ['/s/docker.sock', '/var/run/docker.sock'],
  );
  assert.deepEqual(debug, []);
});

test('placeListeners() uses sockets that the service manager opened, and says which it does not', () => {
  const docker = { fd: 3, name: 'docker', path: '/run/docker.sock' };
  const stray = { fd: 4, name: 'x', path: '/elsewhere' };
  const found = places('version = 4\n[berth]\ndocker_address = "/var/run/docker.sock"', [docker, stray]);
  assert.deepEqual(found.docker, [{ path: '/var/run/docker.sock', fd: 3 }]);
  assert.deepEqual(found.unused, [stray]);
});
