#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cgroup.h"
#include "counters.h"

enum { EVENTS_SIZE = 512 };

struct memory_events {
  uint64_t kills, events;
};

static const struct counter counters[] = {
  { "oom_kill", offsetof(struct memory_events, kills) },
  { "oom", offsetof(struct memory_events, events) },
};

/* Reads memory.events again, by the descriptor that is polled, which then waits for the next change. 0 or -errno. */
static int read_events(int fd, struct memory_events *events) {
  char text[EVENTS_SIZE];
  ssize_t got = pread(fd, text, sizeof text - 1, 0);
  if (got < 0) return -errno;
  text[got] = '\0';
  char *rest = text, *line;
  *events = (struct memory_events){ 0 };
  while ((line = strsep(&rest, "\n")) != NULL) (void)put_counter(line, counters, COUNT_OF(counters), events);
  return 0;
}

static void stop(struct oom *oom) {
  if (oom->source.fd < 0) return;
  loop_remove(oom->loop, &oom->source);
  close(oom->source.fd);
  oom->source.fd = -1;
}

/* The events of a cgroup that is gone cannot be read: what ran out of memory last and was not told has been killed. */
static void check_unified(struct oom *oom) {
  struct memory_events now;
  int error = read_events(oom->source.fd, &now);
  if (error < 0) {
    stop(oom);
    if (!oom->is_told) oom->killed(oom);
    return;
  }
  bool is_new = now.kills > oom->kills;
  if (is_new || now.events > oom->events) oom->is_told = is_new;
  oom->kills = now.kills;
  oom->events = now.events;
  if (is_new) oom->killed(oom);
}

/* The kernel also signals when the cgroup is removed. */
static void check_v1(struct oom *oom) {
  uint64_t count;
  if (read(oom->source.fd, &count, sizeof count) != sizeof count) return;
  if (faccessat(oom->cgroup->directories[CGROUP_MEMORY], "memory.oom_control", F_OK, 0) < 0) return stop(oom);
  oom->killed(oom);
}

void oom_check(struct oom *oom) {
  if (!oom->is_watched || oom->source.fd < 0) return;
  if (oom->is_unified) return check_unified(oom);
  check_v1(oom);
}

static void ready(struct source *source, uint32_t events) {
  (void)events;
  oom_check(holder_of(source, struct oom, source));
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

/* memory.events, read once: changes count from here. */
static int register_unified(int directory, struct oom *oom) {
  int fd = openat(directory, "memory.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return -errno;
  struct memory_events now;
  int error = read_events(fd, &now);
  if (error < 0) {
    close(fd);
    return error;
  }
  oom->kills = now.kills;
  oom->events = now.events;
  oom->is_told = true;
  return fd;
}

bool oom_watch(struct oom *oom, struct loop *loop, const struct cgroup *cgroup, void (*killed)(struct oom *oom),
               struct failure *failure) {
  *oom = (struct oom){ .loop = loop, .cgroup = cgroup, .killed = killed, .source = { .fd = -1, .ready = ready } };
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
  return fail(failure, is_gone(fd) ? NOT_FOUND : INTERNAL, "Cannot watch for processes killed for want of memory: %s",
              strerror(-fd));
}

void oom_close(struct oom *oom) {
  if (oom->is_watched) stop(oom);
  *oom = (struct oom){ .source.fd = -1 };
}
