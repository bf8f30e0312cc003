/*
 * Starting a process: clone with shared memory, so that the cost does not grow with the daemon's, and a pidfd from the
 * first moment on. The child runs on a stack of its own while the calling thread waits for its exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "addon.h"

enum { STACK_SIZE = 64 * 1024, MAX_STDIO = 64, NEW_SESSION = 1, KERNEL_SIGNALS = 64 };

struct child {
  char file[PATH_SIZE];
  char directory[PATH_SIZE];
  struct bytes arguments;
  struct bytes environment;
  struct bytes stdio;
  struct bytes pidfd;
  int flags;
  char **argv;
  char **envp;
  uint64_t mask;
  int error;
};

/*
 * spawnProcess(file, arguments, environment, directory, stdio, flags, pidfd): `arguments` and `environment` are NUL-ended
 * strings one after the other, `stdio` an Int32Array's bytes with -1 for /dev/null; the descriptor goes into `pidfd`.
 */
static void read_spawn(struct arguments *in, void *request) {
  struct child *child = request;
  take_path(in, child->file);
  child->arguments = take_bytes(in);
  child->environment = take_bytes(in);
  take_path(in, child->directory);
  child->stdio = take_bytes(in);
  child->flags = take_int(in);
  child->pidfd = take_bytes(in);
}

static void free_list(char ***list) {
  free(*list);
}

/* Pointers into a block of NUL-ended strings, with a NULL after the last. */
static char **strings_in(const struct bytes *block) {
  char *text = block->data;
  size_t count = 0;
  if (block->length > 0 && text[block->length - 1] != '\0') return NULL;
  for (size_t i = 0; i < block->length; i++) count += text[i] == '\0';
  char **list = calloc(count + 1, sizeof *list);
  if (list == NULL) return NULL;
  for (size_t i = 0; i < count; i++) {
    list[i] = text;
    text += strlen(text) + 1;
  }
  return list;
}

/* Handlers of the daemon must not run here, on its memory; so they go before any signal is let in. */
static void reset_signals(void) {
  static const uint64_t by_default[4] = {0};
  for (int number = 1; number <= KERNEL_SIGNALS; number++)
    syscall(SYS_rt_sigaction, number, by_default, NULL, sizeof(uint64_t));
}

static int arrange_stdio(const struct child *child) {
  const int *wanted = child->stdio.data;
  int count = (int)(child->stdio.length / sizeof(int));
  int sources[MAX_STDIO];
  for (int i = 0; i < count; i++) {
    int from = wanted[i] >= 0 ? wanted[i] : open("/dev/null", O_RDWR | O_CLOEXEC);
    if (from < 0) return -errno;
    sources[i] = fcntl(from, F_DUPFD_CLOEXEC, count);
    if (sources[i] < 0) return -errno;
  }
  for (int i = 0; i < count; i++)
    if (dup2(sources[i], i) < 0) return -errno;
  return syscall(SYS_close_range, count, UINT_MAX, 0) == 0 ? 0 : -errno;
}

static const char *search_path(char **environment) {
  for (; *environment != NULL; environment++)
    if (strncmp(*environment, "PATH=", 5) == 0) return *environment + 5;
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* Tries each directory of PATH; a file that may not be run is remembered while the search goes on. */
static int execute_from_path(const struct child *child) {
  char path[PATH_SIZE];
  size_t name = strlen(child->file) + 1;
  int error = -ENOENT;
  for (const char *rest = search_path(child->envp); rest != NULL;) {
    const char *end = strchrnul(rest, ':');
    size_t length = (size_t)(end - rest);
    if (length > 0 && length + 1 + name <= sizeof path) {
      memcpy(path, rest, length);
      path[length] = '/';
      memcpy(path + length + 1, child->file, name);
      execve(path, child->argv, child->envp);
      if (errno == EACCES) error = -EACCES;
      else if (errno != ENOENT && errno != ENOTDIR) return -errno;
    }
    rest = *end == '\0' ? NULL : end + 1;
  }
  return error;
}

static int become(const struct child *child) {
  static const uint64_t no_signals = 0;
  reset_signals();
  if (child->flags & NEW_SESSION && setsid() < 0) return -errno;
  int error = arrange_stdio(child);
  if (error != 0) return error;
  if (child->directory[0] != '\0' && chdir(child->directory) != 0) return -errno;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, NULL, sizeof no_signals);
  if (strchr(child->file, '/') == NULL) return execute_from_path(child);
  execve(child->file, child->argv, child->envp);
  return -errno;
}

static int child_main(void *data) {
  struct child *child = data;
  child->error = become(child);
  _exit(127);
}

static int clone_child(struct child *child, int *pidfd) {
  void *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return -errno;
  const uint64_t all_signals = ~UINT64_C(0);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all_signals, &child->mask, sizeof all_signals);
  int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
  int pid = clone(child_main, (char *)stack + STACK_SIZE, flags, child, pidfd);
  int result = pid < 0 ? -errno : pid;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &child->mask, NULL, sizeof child->mask);
  munmap(stack, STACK_SIZE);
  return result;
}

static int run_spawn(void *request) {
  struct child *child = request;
  __attribute__((cleanup(free_list))) char **argv = strings_in(&child->arguments);
  __attribute__((cleanup(free_list))) char **envp = strings_in(&child->environment);
  if (argv == NULL || envp == NULL || argv[0] == NULL) return -EINVAL;
  if (child->pidfd.length != sizeof(int) || child->stdio.length > MAX_STDIO * sizeof(int)) return -EINVAL;
  child->argv = argv;
  child->envp = envp;
  child->error = 0;
  int pidfd = -1;
  int pid = clone_child(child, &pidfd);
  if (pid < 0) return pid;
  if (child->error != 0) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    close(pidfd);
    return child->error;
  }
  memcpy(child->pidfd.data, &pidfd, sizeof pidfd);
  return pid;
}

struct pair_request {
  struct bytes ends;
};

static void read_pair(struct arguments *in, void *request) {
  struct pair_request *pair = request;
  pair->ends = take_bytes(in);
}

static int run_pipe(void *request) {
  const struct pair_request *pair = request;
  int ends[2];
  if (pair->ends.length != sizeof ends) return -EINVAL;
  if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
  memcpy(pair->ends.data, ends, sizeof ends);
  return 0;
}

struct close_request {
  int fd;
};

static void read_close(struct arguments *in, void *request) {
  struct close_request *descriptor = request;
  descriptor->fd = take_int(in);
}

/* For descriptors that the addon made: in a worker, Node's own close warns of those that it did not open. */
static int run_close(void *request) {
  const struct close_request *descriptor = request;
  return close(descriptor->fd) == 0 ? 0 : -errno;
}

struct signal_request {
  int pidfd;
  int number;
};

static void read_signal(struct arguments *in, void *request) {
  struct signal_request *signal = request;
  signal->pidfd = take_int(in);
  signal->number = take_int(in);
}

static int run_signal(void *request) {
  const struct signal_request *signal = request;
  return syscall(SYS_pidfd_send_signal, signal->pidfd, signal->number, NULL, 0) == 0 ? 0 : -errno;
}

const struct operation spawn_operations[] = {
    {"spawnProcess", SYNC, sizeof(struct child), read_spawn, run_spawn, NULL},
    {"makePipe", SYNC, sizeof(struct pair_request), read_pair, run_pipe, NULL},
    {"closeDescriptor", SYNC, sizeof(struct close_request), read_close, run_close, NULL},
    {"signalPidfd", SYNC, sizeof(struct signal_request), read_signal, run_signal, NULL},
    {0},
};
