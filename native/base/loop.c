#include "loop.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "clock.h"

int loop_open(struct loop *loop) {
  *loop = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC), .now = clock_ms() };
  return loop->epoll < 0 ? -errno : 0;
}

void loop_close(struct loop *loop) {
  if (loop->epoll >= 0) close(loop->epoll);
  loop->epoll = -1;
}

int loop_add(struct loop *loop, struct source *source) {
  struct epoll_event event = { .events = source->events, .data.ptr = source };
  return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event) < 0 ? -errno : 0;
}

void loop_change(struct loop *loop, struct source *source, uint32_t events) {
  if (source->events == events) return;
  source->events = events;
  struct epoll_event event = { .events = events, .data.ptr = source };
  (void)epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event);
}

void loop_remove(struct loop *loop, struct source *source) {
  (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
  for (int i = 0; i < loop->count; i++)
    if (loop->batch[i].data.ptr == source) loop->batch[i].data.ptr = NULL;
}

void timer_set(struct loop *loop, struct timer *timer, int64_t delay_ms) {
  timer_clear(loop, timer);
  timer->at = clock_ms() + delay_ms;
  timer->is_set = true;
  struct timer **place = &loop->timers;
  while (*place != NULL && (*place)->at <= timer->at) place = &(*place)->next;
  timer->next = *place;
  *place = timer;
}

void timer_clear(struct loop *loop, struct timer *timer) {
  if (!timer->is_set) return;
  struct timer **place = &loop->timers;
  while (*place != timer) place = &(*place)->next;
  *place = timer->next;
  timer->is_set = false;
}

static void run_timers(struct loop *loop) {
  while (loop->timers != NULL && loop->timers->at <= loop->now) {
    struct timer *timer = loop->timers;
    timer_clear(loop, timer);
    timer->due(timer);
  }
}

static int patience(const struct loop *loop) {
  bool waits_for_idle = loop->idle != NULL && !loop->is_idle;
  int64_t most = waits_for_idle ? LOOP_IDLE_MS : 1000 * 1000;
  if (loop->timers == NULL) return waits_for_idle ? (int)most : -1;
  int64_t left = loop->timers->at - clock_ms();
  return left < 0 ? 0 : left > most ? (int)most : (int)left;
}

/* Nothing was ready: is it time for what is done once when there is nothing else to do? */
static void note_quiet(struct loop *loop) {
  if (loop->idle == NULL || loop->is_idle) return;
  if (loop->timers != NULL && loop->timers->at <= loop->now) return;
  loop->is_idle = true;
  loop->idle();
}

int loop_run(struct loop *loop) {
  loop->stopped = false;
  while (!loop->stopped) {
    int count = epoll_wait(loop->epoll, loop->batch, LOOP_BATCH, patience(loop));
    if (count < 0 && errno != EINTR) return -errno;
    loop->now = clock_ms();
    loop->count = count < 0 ? 0 : count;
    if (count == 0) note_quiet(loop);
    else loop->is_idle = false;
    for (int i = 0; i < loop->count && !loop->stopped; i++) {
      struct source *source = loop->batch[i].data.ptr;
      if (source != NULL) source->ready(source, loop->batch[i].events);
    }
    loop->count = 0;
    if (!loop->stopped) run_timers(loop);
  }
  return 0;
}

void loop_stop(struct loop *loop) { loop->stopped = true; }
