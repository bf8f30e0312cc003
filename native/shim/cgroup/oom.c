#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cgroup.h"
#include "counters.h"

enum { EVENTS_SIZE = 512 };

static const struct counter counters[] = { { "oom_kill", 0 } };

/* Reads memory.events again, by the descriptor that is polled, which then waits for the next change. 0 or -errno. */
static int read_kills(int fd, uint64_t *kills) {
  char text[EVENTS_SIZE];
  ssize_t got = pread(fd, text, sizeof text - 1, 0);
  if (got < 0) return -errno;
  text[got] = '\0';
  char *rest = text, *line;
  while ((line = strsep(&rest, "\n")) != NULL) (void)put_counter(line, counters, COUNT_OF(counters), kills);
  return 0;
}

static void stop(struct oom *oom) {
  if (oom->source.fd < 0) return;
  loop_remove(oom->loop, &oom->source);
  close(oom->source.fd);
  oom->source.fd = -1;
}

/* Whether a cgroup above has counted a kill since the last time; remembers what it has counted. */
static bool look_above(struct oom *oom) {
  bool grew = false;
  for (int i = 0; i < OOM_ABOVE; i++) {
    uint64_t kills = oom->above[i].kills;
    if (oom->above[i].fd < 0 || read_kills(oom->above[i].fd, &kills) < 0) continue;
    grew = grew || kills > oom->above[i].kills;
    oom->above[i].kills = kills;
  }
  return grew;
}

/* The cgroups above are read first: a kill between the two is rather told twice than never. */
static void check_unified(struct oom *oom) {
  uint64_t kills = oom->kills;
  struct oom before = *oom;
  (void)look_above(oom);
  if (read_kills(oom->source.fd, &kills) < 0) {
    memcpy(oom->above, before.above, sizeof oom->above);
    oom->is_gone = true;
    return stop(oom);
  }
  bool is_new = kills > oom->kills;
  oom->kills = kills;
  if (is_new) oom->killed(oom);
}

/* The kernel signals once more when it has removed the cgroup. */
static void check_v1(struct oom *oom) {
  uint64_t count;
  if (read(oom->source.fd, &count, sizeof count) != sizeof count) return;
  oom->signals += count;
  oom->is_gone = faccessat(oom->cgroup->directories[CGROUP_MEMORY], "memory.oom_control", F_OK, 0) < 0;
  if (oom->is_gone && oom->signals < 2) return;
  oom->signals = 0;
  if (oom->is_gone) stop(oom);
  oom->killed(oom);
}

static void check(struct oom *oom) {
  if (oom->source.fd < 0) return;
  if (oom->is_unified) return check_unified(oom);
  check_v1(oom);
}

void oom_check(struct oom *oom, bool by_kill) {
  if (!oom->is_watched) return;
  check(oom);
  if (!oom->is_unified || !oom->is_gone || !by_kill || !look_above(oom)) return;
  oom->is_gone = false;
  oom->killed(oom);
}

static void ready(struct source *source, uint32_t events) {
  (void)events;
  check(holder_of(source, struct oom, source));
}

/* An eventfd that the kernel signals, or -errno. */
static int register_v1(int memory) {
  int control = openat(memory, "memory.oom_control", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (control < 0) return -errno;
  int order = openat(memory, "cgroup.event_control", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  char text[32];
  int size = snprintf(text, sizeof text, "%d %d", event, control);
  int error = order < 0 || event < 0 || write(order, text, (size_t)size) < 0 ? -errno : 0;
  close(control);
  if (order >= 0) close(order);
  if (error == 0) return event;
  if (event >= 0) close(event);
  return error;
}

static int open_events(int directory, const char *name, uint64_t *kills) {
  int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return -errno;
  int error = read_kills(fd, kills);
  if (error == 0) return fd;
  close(fd);
  return error;
}

/* memory.events, read once: changes count from here. The root has none. */
static int register_unified(int directory, struct oom *oom) {
  static const char names[OOM_ABOVE][24] = { "../memory.events", "../../memory.events" };
  for (int i = 0; i < OOM_ABOVE; i++) oom->above[i].fd = open_events(directory, names[i], &oom->above[i].kills);
  return open_events(directory, "memory.events", &oom->kills);
}

static void close_above(struct oom *oom) {
  for (int i = 0; i < OOM_ABOVE; i++)
    if (oom->above[i].fd >= 0) close(oom->above[i].fd);
}

bool oom_watch(struct oom *oom, struct loop *loop, const struct cgroup *cgroup, void (*killed)(struct oom *oom),
               struct failure *failure) {
  *oom = (struct oom){ .loop = loop, .cgroup = cgroup, .killed = killed, .source = { .fd = -1, .ready = ready } };
  for (int i = 0; i < OOM_ABOVE; i++) oom->above[i].fd = -1;
  const int memory = cgroup->is_found ? cgroup->directories[CGROUP_MEMORY] : -1;
  const int unified = cgroup->is_found ? cgroup->directories[CGROUP_UNIFIED] : -1;
  oom->is_unified = memory < 0;
  oom->source.events = oom->is_unified ? EPOLLPRI : EPOLLIN;
  int fd = memory >= 0 ? register_v1(memory) : unified >= 0 ? register_unified(unified, oom) : -ENOENT;
  if (fd >= 0) {
    oom->source.fd = fd;
    int error = loop_add(loop, &oom->source);
    oom->is_watched = error == 0;
    if (oom->is_watched) return true;
    close(fd);
    oom->source.fd = -1;
    fd = error;
  }
  close_above(oom);
  return fail(failure, is_gone(fd) ? NOT_FOUND : INTERNAL, "Cannot watch for processes killed for want of memory: %s",
              strerror(-fd));
}

void oom_close(struct oom *oom) {
  if (oom->is_watched) {
    stop(oom);
    close_above(oom);
  }
  *oom = (struct oom){ .source.fd = -1 };
}
