/** Writes the hello image as a docker archive to standard output. */
import { makeHelloArchive } from '../test/support/hello-image.ts';

process.stdout.write(await makeHelloArchive());
