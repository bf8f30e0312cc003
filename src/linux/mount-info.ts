import { readFile } from 'node:fs/promises';

/** A line of /proc/PID/mountinfo: proc_pid_mountinfo(5). */
export interface MountInfo {
  readonly id: number;
  readonly parent: number;
  /** `major:minor` */
  readonly device: string;
  /** The directory of the file system that is mounted. */
  readonly root: string;
  readonly target: string;
  /** Of this mount: "rw", "nosuid"… */
  readonly options: readonly string[];
  /** "shared:3", "master:1"… */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  /** Of the file system. */
  readonly superOptions: readonly string[];
}

/** The mounts of this process's namespace, in the order in which they cover each other. */
export async function listMounts(file = '/proc/self/mountinfo'): Promise<MountInfo[]> {
  return parseMountInfo(await readFile(file, 'utf8'));
}

export function parseMountInfo(text: string): MountInfo[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [parseLine(line)]));
}

function parseLine(line: string): MountInfo {
  const words = line.split(' ');
  const end = words.indexOf('-', 6);
  const [id = '', parent = '', device = '', root = '', target = '', options = ''] = words;
  const [type = '', source = '', superOptions = ''] = words.slice(end + 1);
  return {
    id: Number(id),
    parent: Number(parent),
    device,
    root: unescapeOctal(root),
    target: unescapeOctal(target),
    options: options.split(','),
    propagation: words.slice(6, end),
    type,
    source: unescapeOctal(source),
    superOptions: superOptions.split(','),
  };
}

/** Space, tab, newline and backslash are written as `\040`, `\011`, `\012` and `\134`. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
