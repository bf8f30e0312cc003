/** What labels, mounts and configuration files say in small languages of their own. */
import { parseGoDuration } from '#/base/go-duration.ts';
import { EngineError } from '#/base/errors.ts';
import { formatText } from '#/core/mounts/format.ts';
import { parseSize } from '#/core/mounts/make-file-system.ts';
import { parseRestartPolicy } from '#/core/restart/restart-policy.ts';
import { mappingLabels, readIdMapping } from '#/core/snapshots/id-mapping.ts';
import { decodeAuth } from '#/core/registry/credentials.ts';
import { fillTemplate } from '#/daemon/fill-template.ts';
import { migrate } from '#/daemon/config/migrate.ts';
import { readSettings } from '#/daemon/config/read-settings.ts';
import { parseToml } from '#/daemon/config/toml.ts';
import { splitLayers } from '#/linux/mount-options.ts';
import type { FuzzTarget } from '../target.ts';

const active = ['a', 'b'].map((name) => ({
  mount: { type: 't', source: `/source/${name}`, target: `/target/${name}`, options: [] },
  mountPoint: `/mnt/${name}`,
  mountedAt: '1',
}));

const config = `version = 2
root = "/r"
imports = ["/x/*.toml"]
[grpc]
address = "/run/x.sock"
gid = 7
max_recv_message_size = 16777216
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
endpoint = ["https://mirror"]
[proxy_plugins.stargz]
type = "snapshot"
address = "/run/s.sock"
[timeouts]
"io.containerd.timeout.task.state" = "2s"
[plugins."io.containerd.gc.v1.scheduler"]
pause_threshold = 0.02
`;

export const settingTargets: readonly FuzzTarget[] = [
  {
    name: 'parseGoDuration',
    seeds: ['1h30m', '1.5s', '100ms', '-2us', '0'],
    words: ['h', 'ms', 'µs', '.', '-', '9223372036854775807'],
    run: (input) => typeof parseGoDuration(input.toString()),
  },
  {
    name: 'formatText',
    seeds: ['{{ mount 0 }}/upper', 'lowerdir={{ overlay 0 1 }}', '{{source 1}}:{{ target 0 }}'],
    words: ['{{', '}}', 'mount', 'overlay', ' 0', ' 999999', '-1'],
    run: (input) => formatText(input.toString(), active),
  },
  {
    name: 'parseSize',
    seeds: ['1GiB', '512k', '10MB', '0'],
    words: ['G', 'i', 'B', '.', '-', 'e9'],
    run: (input) => typeof parseSize(input.toString()),
  },
  {
    name: 'parseRestartPolicy',
    seeds: ['always', 'on-failure:3', 'unless-stopped', 'no'],
    words: [':', 'on-failure', '-1', '99999999999999999999'],
    run: (input) => Object.keys(parseRestartPolicy(input.toString())).join(),
  },
  {
    name: 'readIdMapping',
    seeds: ['0:100000:65536\n0:100000:65536', '0:1:1,1:1000:10\n0:5:1'],
    words: [':', ',', '\n', '4294967295'],
    run(input) {
      const [uids = '', gids = ''] = input.toString().split('\n', 2);
      return Object.keys(readIdMapping(mappingLabels(uids, gids)) ?? {}).join();
    },
  },
  {
    name: 'decodeAuth',
    seeds: ['YTpi', Buffer.from('user:pass:word').toString('base64'), 'YQ=='],
    words: ['=', 'Og==', '\n'],
    run: (input) => decodeAuth(input.toString(), 'a file').join().length,
  },
  {
    name: 'fillTemplate',
    seeds: ['{{.ID}}-{{.Pid}}', '{{ .Name }}{{ printf "x" }}'],
    words: ['{{', '}}', '.ID', '"', '|'],
    run: (input) => fillTemplate(input.toString(), { ID: 'a', Pid: '1' }),
  },
  {
    name: 'splitLayers',
    seeds: ['/a:/b\\:c:/d', '/x'],
    words: [':', '\\', '\\:'],
    run: (input) => `${splitLayers(input.toString()).length}`,
  },
  {
    name: 'configuration',
    seeds: [config, config.replace('version = 2', 'version = 3'), 'version = 4\n[berth]\nsnapshotter = "native"\n'],
    words: ['[', ']', '=', '""', '"""', "'", '1979-05-27', 'inf', '{}', '.', '[plugins."', 'true', '-1', '# ', '\n'],
    run(input) {
      const document = parseToml(input.toString(), 'config.toml');
      const settings = readSettings(document);
      try {
        migrate(document);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
      }
      return Object.keys(settings).join();
    },
  },
];
