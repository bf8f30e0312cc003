import type { CtrCase } from './contract.ts';

const imported = 'ctr images import $local $archive >/dev/null';

export const containerCases: readonly CtrCase[] = [
  {
    command: 'containers create',
    does: 'makes records, and refuses what is taken or has no image',
    steps: [
      imported,
      'ctr containers create --label a=b --env A=1 --cwd /etc $image one echo one',
      { run: 'ctr containers create $image one true', code: 1 },
      { run: 'ctr containers create example.com/none:1 two true', code: 1 },
      { run: 'ctr containers create $image "bad id" true', code: 1 },
      { run: 'ctr containers create --snapshotter none $image three true', code: 1 },
      'collect; ctr containers ls; ctr snapshots ls; ctr tasks ls',
    ],
  },
  {
    command: 'containers create',
    does: 'takes a root file system and a spec from files',
    steps: [
      'mkdir -p root/bin; cp /bin/busybox root/bin/echo; mkdir root/proc root/dev root/sys root/tmp',
      'ctr containers create --rootfs $dir/root one /bin/echo from a directory',
      'ctr tasks start one',
      'ctr containers rm one',
      'ctr oci spec > spec.json; ctr containers create --config spec.json two; ctr containers info --spec two | sed s/$ns// | sha256sum',
      'ctr containers ls',
    ],
  },
  {
    command: 'containers info',
    does: 'tells all of a record',
    steps: [
      imported,
      'ctr containers create --label a=b --privileged --read-only --memory-limit 50000000 $image one true',
      'ctr containers info one',
      'ctr containers info --spec one | head -c 200',
      { run: 'ctr containers info none', code: 1 },
    ],
  },
  {
    command: 'containers list',
    does: 'lists by filters',
    steps: [
      imported,
      'ctr containers create --label a=b $image one true; ctr containers create $image two true',
      'ctr containers ls',
      'ctr containers ls -q',
      'ctr containers ls -q labels.a==b',
      'ctr containers ls -q id~=^t',
      'ctr containers ls -q image==$image runtime.name==none',
      { run: 'ctr containers ls "id=="', code: 1 },
    ],
  },
  {
    command: 'containers label',
    does: 'sets and clears labels',
    steps: [
      imported,
      'ctr containers create $image one true',
      'ctr containers label one a=1 b=2',
      'ctr containers label one a=',
      'ctr containers ls -q labels.b==2',
      { run: 'ctr containers label none a=b', code: 1 },
    ],
  },
  {
    command: 'containers delete',
    does: 'removes records and snapshots, never of what runs',
    steps: [
      imported,
      'ctr containers create $image one true; ctr containers create $image two true; ctr containers create $image three true',
      'ctr containers rm one two',
      'ctr containers rm --keep-snapshot three; ctr snapshots ls',
      'collect; ctr containers ls; ctr snapshots ls',
      'ctr run -d --null-io $image four sleep 1000',
      { run: 'ctr containers rm four', code: 1 },
      'ctr tasks rm -f four; ctr containers rm four',
      { run: 'ctr containers rm none', code: 1 },
    ],
  },
  {
    command: 'containers checkpoint',
    does: 'keeps image, layer and configuration of a container',
    steps: [
      imported,
      'ctr run --null-io $image one sh -c "echo kept > /kept"',
      'ctr containers checkpoint --rw --image one example.com/point:1',
      'ctr images ls | sed "s/sha256:[^ ]*//; s/[0-9.]* .*B //"',
      { run: 'ctr containers checkpoint none example.com/point:2', code: 1 },
      { run: 'ctr containers checkpoint one example.com/point:1', code: 1 },
    ],
  },
  {
    command: 'containers restore',
    does: 'makes a container of a checkpoint',
    steps: [
      imported,
      'ctr run --null-io $image one sh -c "echo kept > /kept; cat /kept"',
      'ctr containers checkpoint --rw --image one example.com/point:1',
      { run: 'ctr containers restore --rw one example.com/point:1', code: 1 },
      { run: 'ctr containers restore --rw two example.com/point:1', code: 1 },
      'ctr containers ls',
    ],
  },
];
