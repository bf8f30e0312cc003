import type { CtrCase } from './contract.ts';

const imported = 'ctr images import $local $archive >/dev/null';
const ingested = 'printf content | ctr content ingest one';
const digest = '$(printf content | sha256sum | sed "s/^/sha256:/;s/ .*//")';

export const contentCases: readonly CtrCase[] = [
  {
    command: 'content ingest',
    does: 'stores what is piped in, and refuses what is not what was said',
    steps: [
      `printf content | ctr content ingest --expected-digest ${digest} --expected-size 7 one`,
      'ctr content ls',
      `printf content | ctr content ingest --expected-digest ${digest} one`,
      { run: `printf other | ctr content ingest --expected-digest ${digest}0 two`, code: 1 },
      { run: 'printf other | ctr content ingest --expected-size 6 three', code: 1 },
      { run: 'printf other | ctr content ingest', code: 1 },
      'ctr content active | sort',
      'head -c 5000000 /dev/zero | ctr content ingest big; ctr content ls',
    ],
  },
  {
    command: 'content active',
    does: 'lists what is being written',
    steps: [
      { run: 'printf some | ctr content ingest --expected-size 6 ref-one', code: 1 },
      { run: 'printf more | ctr content ingest --expected-size 7 ref-two', code: 1 },
      'ctr content active | sort',
      { run: 'ctr content active "^ref-t"', code: 1 },
      { run: 'printf more-of | ctr content ingest --expected-size 7 ref-two', code: 1 },
      'printf more-of > file; ctr content ingest --expected-size 7 ref-two < file; ctr content active | sort; ctr content ls',
    ],
  },
  {
    command: 'content list',
    does: 'lists by filters',
    steps: [
      imported,
      'collect; ctr content ls',
      'ctr content ls -q',
      `${ingested}; ctr content label ${digest} a=b; ctr content ls labels.a==b`,
      'ctr content ls labels.none==b',
      { run: 'ctr content ls "labels.a=="', code: 1 },
    ],
  },
  {
    command: 'content get',
    does: 'gives the bytes',
    steps: [
      `${ingested}; ctr content get ${digest}`,
      { run: 'ctr content get sha256:0000000000000000000000000000000000000000000000000000000000000000', code: 1 },
      { run: 'ctr content get nonsense', code: 1 },
    ],
  },
  {
    command: 'content delete',
    does: 'removes blobs and says which',
    steps: [
      ingested,
      `ctr content rm ${digest}`,
      `ctr content rm ${digest}`,
      { run: 'ctr content rm nonsense', code: 1 },
      'ctr content ls',
    ],
  },
  {
    command: 'content edit',
    does: 'stores what an editor makes of a blob',
    steps: [
      ingested,
      'printf "#!/bin/sh\\nprintf edited > \\$1\\n" > editor; chmod +x editor',
      `ctr content edit --editor $dir/editor ${digest}`,
      'ctr content ls',
    ],
  },
  {
    command: 'content label',
    does: 'sets and clears labels',
    steps: [
      ingested,
      `ctr content label ${digest} a=1 b=2`,
      `ctr content label ${digest} a=`,
      'ctr content ls',
      `ctr content label ${digest} a`,
      { run: 'ctr content label sha256:0000000000000000000000000000000000000000000000000000000000000000 a=b', code: 1 },
    ],
  },
  {
    command: 'content fetch',
    does: 'fetches an image without unpacking it',
    steps: [
      'ctr content fetch --plain-http $registry/hello:latest >/dev/null',
      'ctr images ls; ctr content ls | sort; ctr snapshots ls',
      { run: 'ctr content fetch --plain-http $registry/none:latest >/dev/null', code: 1 },
    ],
  },
  {
    command: 'content fetch-object',
    does: 'fetches one object',
    steps: [
      'ctr content fetch-object --plain-http $registry/hello:latest > manifest; sha256sum manifest',
      'ctr content ls',
    ],
  },
  {
    command: 'content fetch-blob',
    does: 'fetches blobs by digest',
    since: '1.7',
    steps: [
      'ctr content fetch --plain-http $registry/hello:latest >/dev/null',
      'digest=$(ctr content get $(ctr images ls | grep -o "sha256:[0-9a-f]*") | sed -n "s/.*config.*\\(sha256:[0-9a-f]*\\).*layers.*/\\1/p"); ctr content fetch-blob --plain-http $registry/hello:latest $digest | sha256sum',
    ],
  },
  {
    command: 'content push-object',
    does: 'brings one blob to a registry',
    steps: [
      ingested,
      `ctr content push-object --plain-http $registry/$ns/blob:1 ${digest} application/octet-stream`,
      {
        run: 'ctr content push-object --plain-http $registry/$ns/blob:1 sha256:0000000000000000000000000000000000000000000000000000000000000000 application/octet-stream',
        code: 1,
      },
    ],
  },
  {
    command: 'content prune references',
    does: 'drops the references to layers that are unpacked',
    steps: [
      imported,
      'ctr content prune references --dry 2>/dev/null; ctr content ls | sort',
      'ctr content prune references >/dev/null',
      'ctr content ls | sort; ctr snapshots ls',
    ],
  },
];
