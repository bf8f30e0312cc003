#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Above the three standard ones, so that putting one into its place cannot overwrite another. */
static int lift(int fd) {
  int from = fd >= 0 ? fd : open("/dev/null", O_RDWR | O_CLOEXEC);
  if (from < 0) return -errno;
  int lifted = fcntl(from, F_DUPFD_CLOEXEC, 3);
  int error = lifted < 0 ? -errno : lifted;
  if (fd < 0) close(from);
  return error;
}

/* In the child, on the parent's memory: nothing here may touch what the parent will look at, but *error. */
static void become(const struct spawn *spawn, const int fds[3], volatile int *error) {
  struct sigaction by_default = { .sa_handler = SIG_DFL };
  sigset_t none;
  sigemptyset(&none);
  (void)setpgid(0, 0);
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)sigaction(SIGPIPE, &by_default, NULL);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
  (void)setrlimit(RLIMIT_NOFILE, &spawn->descriptors);
  for (int i = 0; i < 3; i++)
    if (dup2(fds[i], i) < 0) goto failed;
  execvp(spawn->words[0], (char *const *)spawn->words);
failed:
  *error = errno;
  _exit(127);
}

static pid_t start(const struct spawn *spawn, const int fds[3]) {
  volatile int error = 0;
  pid_t pid = vfork();
  if (pid == 0) become(spawn, fds, &error);
  if (pid < 0) return -errno;
  if (error == 0) return pid;
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  return -error;
}

pid_t spawn_program(const struct spawn *spawn) {
  int fds[3];
  pid_t pid = 0;
  int count = 0;
  for (; count < 3 && pid == 0; count++)
    if ((fds[count] = lift(spawn->fds[count])) < 0) pid = fds[count];
  if (pid == 0) pid = start(spawn, fds);
  for (int i = 0; i < count; i++)
    if (fds[i] >= 0) close(fds[i]);
  return pid;
}
