import type { CtrCase } from './contract.ts';

const imported = 'ctr images import $local $archive >/dev/null';

/** Progress is drawn over and over; what stays at its end is compared. */
export const imageCases: readonly CtrCase[] = [
  {
    command: 'images import',
    does: 'makes image, content and snapshots of a docker archive',
    differs: [
      {
        client: '2.x',
        why: 'an archive that is cut off is an invalid argument',
        pattern: /^stderr: ctr: (…: invalid argument|failed to ingest .*unexpected EOF)$/gm,
      },
    ],
    steps: [
      'ctr images import $archive >/dev/null',
      'ctr images ls',
      'collect; ctr content ls | sort',
      'ctr snapshots ls',
      { run: 'ctr images import $dir/none.tar', code: 1 },
      { run: 'head -c 5000 $archive > cut.tar; ctr images import cut.tar >/dev/null', code: 1 },
    ],
  },
  {
    command: 'images import',
    does: 'takes base name, digests, index name and no unpacking',
    differs: [
      {
        client: '2.x',
        why: 'an import keeps what is there for other platforms as well, so that it can be exported again',
        pattern: /^sha256:(fe947252|4e3e566d)[0-9a-f]{56} .*\n/gm,
      },
    ],
    steps: [
      'ctr images import --base-name example.com/base --digests --index-name example.com/index:1 --no-unpack $multi >/dev/null',
      'ctr images ls',
      'ctr snapshots ls',
      'collect; ctr content ls | sort',
    ],
  },
  {
    command: 'images import',
    does: 'keeps all platforms of an index when asked, and labels',
    steps: [
      'ctr images import --all-platforms --no-unpack $multi >/dev/null',
      'ctr images ls',
      'ctr images check',
      'collect; ctr content ls | sort',
    ],
  },
  {
    command: 'images import',
    does: 'unpacks layer upon layer with the native snapshotter',
    steps: [
      'ctr images import $local --snapshotter native $layers >/dev/null',
      'ctr snapshots --snapshotter native ls',
      'ctr run --rm --snapshotter native docker.io/library/layers:latest one sh -c "ls /srv; cat /srv/new"',
    ],
  },
  {
    command: 'images list',
    does: 'lists by filters',
    steps: [
      imported,
      'ctr images import $local $layers >/dev/null',
      'ctr images ls',
      'ctr images ls -q',
      'ctr images ls -q name==$image',
      'ctr images ls -q name~=layers',
      'ctr images ls -q labels.a==b name~=hello',
      { run: 'ctr images ls "name=="', code: 1 },
      { run: 'ctr images ls "name~="', code: 1 },
    ],
  },
  {
    command: 'images check',
    does: 'tells what is complete and unpacked',
    steps: [
      imported,
      'ctr images import $local --no-unpack $layers >/dev/null',
      'ctr images check',
      'ctr images check -q',
    ],
  },
  {
    command: 'images inspect',
    does: 'shows the tree of an image',
    since: '2.x',
    steps: [
      imported,
      'ctr images inspect $image | sort',
      'ctr images inspect --content $image | sort',
      { run: 'ctr images inspect none', code: 1 },
    ],
  },
  {
    command: 'images export',
    does: 'writes archives that are the same byte for byte',
    steps: [
      imported,
      'ctr images export out.tar $image >/dev/null',
      'tar tvf out.tar',
      'sha256sum out.tar',
      'ctr images export --skip-manifest-json plain.tar $image >/dev/null && sha256sum plain.tar',
      'ctr images import $local --all-platforms --no-unpack $multi >/dev/null',
      'ctr images export --all-platforms all.tar example.com/multi:1 >/dev/null && sha256sum all.tar',
      'ctr images export --platform linux/riscv64 some.tar example.com/multi:1 >/dev/null && sha256sum some.tar',
      'ctr images export two.tar $image example.com/multi:1 >/dev/null && sha256sum two.tar',
      { run: 'ctr images export none.tar example.com/none:1 >/dev/null', code: 1 },
    ],
  },
  {
    command: 'images export',
    does: 'says what is missing of an index that is not whole',
    steps: [
      'ctr images import $local --no-unpack $multi >/dev/null; collect',
      'ctr images export some.tar example.com/multi:1 >/dev/null && sha256sum some.tar',
      'rm -f all.tar; ctr images export --all-platforms all.tar example.com/multi:1 >/dev/null; echo $?',
    ],
  },
  {
    command: 'images mount',
    does: 'mounts an image to read and to write, and images unmount takes it away',
    steps: [
      imported,
      'mkdir read write; ctr images mount $image read',
      'ls read; cat read/etc/hello',
      { run: 'touch read/no', code: 1 },
      'ctr images mount --rw $image write && touch write/yes && ls write',
      'ctr snapshots ls',
      'ctr leases ls -q | wc -l',
      'ctr images unmount read',
      'ctr images unmount --rm write',
      'ctr snapshots ls; ls read write',
      { run: 'ctr images mount example.com/none:1 read', code: 1 },
    ],
  },
  {
    command: 'images unmount',
    does: 'takes its snapshot along when asked',
    steps: [imported, 'mkdir m; ctr images mount $image m', 'ctr images unmount --rm m', 'ctr snapshots ls'],
  },
  {
    command: 'images pull',
    does: 'fetches, unpacks and names an image, and again',
    steps: [
      'ctr images pull --plain-http $registry/hello:latest >/dev/null',
      'ctr images ls',
      'ctr content ls | sort',
      'ctr snapshots ls',
      'ctr images pull --plain-http --label a=b $registry/hello:latest >/dev/null',
      'ctr images ls',
      'ctr run --rm $registry/hello:latest one echo pulled',
    ],
  },
  {
    command: 'images pull',
    does: 'says what is not to be had',
    differs: [
      {
        client: '2.x',
        why: 'a registry that does not answer is "unavailable", a kind that clients can tell',
        pattern: /^stderr: ctr: (…: unavailable|.*connection refused)$/gm,
      },
    ],
    steps: [
      { run: 'ctr images pull --plain-http $registry/none:latest >/dev/null', code: 1 },
      { run: 'ctr images pull --plain-http localhost:1/hello:latest >/dev/null', code: 1 },
      { run: 'ctr images pull --plain-http --snapshotter none $registry/hello:latest >/dev/null', code: 1 },
      'ctr images ls -q; ctr leases ls -q | wc -l',
    ],
  },
  {
    command: 'images push',
    does: 'brings an image to a registry whole',
    steps: [
      imported,
      'ctr images push --plain-http $registry/$ns/hello:1 $image >/dev/null',
      'skopeo inspect --tls-verify=false --raw docker://$registry/$ns/hello:1 | sha256sum',
      'ctr images rm --sync $image >/dev/null; ctr images pull --plain-http $registry/$ns/hello:1 >/dev/null',
      'ctr content ls | sort',
      { run: 'ctr images push --plain-http $registry/$ns/other:1 example.com/none:1 >/dev/null', code: 1 },
    ],
  },
  {
    command: 'images push',
    does: 'pushes an index with all its platforms',
    steps: [
      'ctr images import $local --all-platforms --no-unpack $multi >/dev/null',
      'ctr images push --plain-http $registry/$ns/multi:1 example.com/multi:1 >/dev/null',
      'skopeo inspect --tls-verify=false --raw docker://$registry/$ns/multi:1 | sha256sum',
      'skopeo copy --quiet --all --src-tls-verify=false docker://$registry/$ns/multi:1 oci:all; ls all/blobs/sha256',
    ],
  },
  {
    command: 'images prune',
    does: 'removes images that no container uses',
    since: '1.7',
    steps: [
      imported,
      'ctr images import $local $layers >/dev/null',
      'ctr containers create $image keeps true',
      'ctr images prune',
      'ctr images prune --all',
      'ctr images ls -q',
    ],
  },
  {
    command: 'images delete',
    does: 'removes names, and with --sync all that they kept',
    steps: [
      imported,
      'ctr images tag $local $image example.com/other:1',
      'ctr images rm $image',
      'collect; ctr images ls -q; ctr content ls -q | wc -l',
      'ctr images rm --sync example.com/other:1',
      'ctr content ls -q; ctr snapshots ls',
      { run: 'ctr images rm example.com/other:1', code: 0 },
    ],
  },
  {
    command: 'images tag',
    does: 'gives an image more names, never one that is taken unless forced',
    steps: [
      imported,
      'ctr images import $local $layers >/dev/null',
      'ctr images tag $image example.com/one:1 example.com/two:2',
      'ctr images tag $image docker.io/library/layers:latest; true',
      'ctr images tag --force $image docker.io/library/layers:latest',
      'ctr images ls',
      { run: 'ctr images tag example.com/none:1 example.com/three:3', code: 1 },
    ],
  },
  {
    command: 'images label',
    does: 'sets, changes, clears and replaces labels',
    steps: [
      imported,
      'ctr images label $image a=1 b=2',
      'ctr images label $image a=',
      'ctr images label --replace-all $image c=3',
      'ctr images ls',
      { run: 'ctr images label example.com/none:1 a=b', code: 1 },
    ],
  },
  {
    command: 'images convert',
    does: 'makes OCI of docker, and plain of compressed layers',
    steps: [
      'ctr images import $local --no-unpack $multi >/dev/null',
      imported,
      'ctr images convert --oci $image example.com/oci:1',
      'ctr images convert --uncompress example.com/multi:1 example.com/plain:1',
      'ctr images ls; collect; ctr content ls | sort',
      { run: 'ctr images convert example.com/none:1 example.com/x:1', code: 1 },
    ],
  },
  {
    command: 'images build-erofs-cache',
    does: 'is told what it lacks',
    since: '2.x',
    steps: [imported, { run: 'ctr images build-erofs-cache $image cache', code: 1 }, 'ls -A cache'],
  },
  {
    command: 'images usage',
    does: 'sums up snapshots',
    since: '1.7',
    steps: [
      'ctr images import $local $layers >/dev/null',
      'ctr images usage docker.io/library/layers:latest',
      { run: 'ctr images usage none', code: 1 },
    ],
  },
];
