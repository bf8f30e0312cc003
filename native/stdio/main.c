/*
 * berth-stdio: owns the streams of one container process, so that they outlive the daemon.
 *
 * The shim holds one end of each FIFO, this process the other. Output goes to a log file and to every client attached on
 * the socket, input comes from them. It ends by itself when the process's streams have.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "service.h"

/* Tells whoever started us, then lets go of them. */
static int detach(void) {
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return -EIO;
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) return -errno;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (dup2(nothing, fd) < 0) return -errno;
  close(nothing);
  (void)setsid(); /* fails only for one that leads a session already */
  return 0;
}

/* Everybody inherits 0 to 2; opened files must not land there when they were closed. */
static int hold_standard_fds(void) {
  int fd;
  while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO) continue;
  if (fd < 0) return -errno;
  close(fd);
  return 0;
}

int main(int argc, char **argv) {
  struct options options;
  if (hold_standard_fds() != 0 || options_parse(&options, argc, argv) != 0) return 2;
  struct service *service = calloc(1, sizeof *service);
  if (service == NULL) return 1;
  signal(SIGPIPE, SIG_IGN);
  int error = service_open(service, &options);
  if (error == 0) error = detach();
  if (error == 0) error = service_serve(service);
  free(service);
  return error == 0 ? 0 : 1;
}
