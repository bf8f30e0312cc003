#include "reaper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where endings are kept for long, the oldest are forgotten: whoever learns a pid does so soon. */
enum { KEPT_MOST = 16384 };

static void unlink_child(struct child **place, struct child *child) {
  while (*place != NULL && *place != child) place = &(*place)->next;
  if (*place == child) *place = child->next;
}

static struct child *find_child(struct reaper *reaper, pid_t pid) {
  for (struct child *child = reaper->children; child != NULL; child = child->next)
    if (child->pid == pid) return child;
  return NULL;
}

static void keep(struct reaper *reaper, const struct ending *ending) {
  if (reaper->holds == 0) return;
  if (reaper->kept == KEPT_MOST) {
    reaper->kept /= 2;
    memmove(reaper->endings, reaper->endings + KEPT_MOST - reaper->kept, reaper->kept * sizeof *ending);
  }
  if (reaper->kept == reaper->room) {
    size_t room = reaper->room == 0 ? 64 : reaper->room * 2;
    struct ending *endings = realloc(reaper->endings, room * sizeof *endings);
    if (endings == NULL) return;
    reaper->endings = endings;
    reaper->room = room;
  }
  reaper->endings[reaper->kept++] = *ending;
}

static void reap(struct reaper *reaper, const struct ending *ending) {
  struct child *child = find_child(reaper, ending->pid);
  if (child == NULL) return keep(reaper, ending);
  unlink_child(&reaper->children, child);
  child->ended(child, ending);
}

static void reap_all(struct source *source, uint32_t events) {
  (void)events;
  struct reaper *reaper = holder_of(source, struct reaper, source);
  struct signalfd_siginfo info;
  while (read(source->fd, &info, sizeof info) > 0) continue;
  int wait_status;
  pid_t pid;
  while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
    if (!WIFEXITED(wait_status) && !WIFSIGNALED(wait_status)) continue;
    struct ending ending = { .pid = pid };
    ending.status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
    clock_gettime(CLOCK_REALTIME, &ending.at);
    reap(reaper, &ending);
  }
}

/* The newest of the kept endings of a pid, which may have been given out twice. */
static const struct ending *find_ending(const struct reaper *reaper, pid_t pid) {
  for (size_t i = reaper->kept; i > 0; i--)
    if (reaper->endings[i - 1].pid == pid) return &reaper->endings[i - 1];
  return NULL;
}

static void tell_late(struct timer *timer) {
  struct reaper *reaper = holder_of(timer, struct reaper, late);
  while (reaper->over != NULL) {
    struct child *child = reaper->over;
    reaper->over = child->next;
    const struct ending *found = find_ending(reaper, child->pid);
    struct ending ending = *found;
    child->ended(child, &ending);
    reaper_release(reaper);
  }
}

/* A program that was started from a shell may have 1024, which is not enough for hundreds of processes' streams. */
static void allow_descriptors(struct reaper *reaper) {
  if (getrlimit(RLIMIT_NOFILE, &reaper->descriptors) < 0) return;
  struct rlimit most = { .rlim_cur = reaper->descriptors.rlim_max, .rlim_max = reaper->descriptors.rlim_max };
  (void)setrlimit(RLIMIT_NOFILE, &most);
}

int reaper_open(struct reaper *reaper, struct loop *loop) {
  *reaper = (struct reaper){ .loop = loop, .source = { .fd = -1, .events = EPOLLIN, .ready = reap_all } };
  reaper->late.due = tell_late;
  allow_descriptors(reaper);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
  reaper->source.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (reaper->source.fd < 0) return -errno;
  return loop_add(loop, &reaper->source);
}

void reaper_close(struct reaper *reaper) {
  if (reaper->source.fd < 0) return;
  loop_remove(reaper->loop, &reaper->source);
  timer_clear(reaper->loop, &reaper->late);
  close(reaper->source.fd);
  free(reaper->endings);
  *reaper = (struct reaper){ .source.fd = -1 };
}

void reaper_watch(struct reaper *reaper, struct child *child) {
  if (find_ending(reaper, child->pid) == NULL) {
    child->next = reaper->children;
    reaper->children = child;
    return;
  }
  /* Its ending must be kept until it is told. */
  reaper_hold(reaper);
  child->next = reaper->over;
  reaper->over = child;
  timer_set(reaper->loop, &reaper->late, 0);
}

void reaper_forget(struct reaper *reaper, struct child *child) {
  for (struct child *late = reaper->over; late != NULL; late = late->next)
    if (late == child) {
      unlink_child(&reaper->over, child);
      return reaper_release(reaper);
    }
  unlink_child(&reaper->children, child);
}

void reaper_hold(struct reaper *reaper) { reaper->holds++; }

void reaper_release(struct reaper *reaper) {
  if (--reaper->holds > 0) return;
  free(reaper->endings);
  reaper->endings = NULL;
  reaper->kept = reaper->room = 0;
}
