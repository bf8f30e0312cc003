#include "watch.h"

#include <unistd.h>

void watch_begin(struct watch *watch, struct loop *loop, int fd, void (*ready)(struct source *, uint32_t)) {
  *watch = (struct watch){ .source = { .fd = fd, .ready = ready }, .loop = loop };
}

void watch_for(struct watch *watch, uint32_t events) {
  if (watch->source.fd < 0) return;
  if (events == 0) {
    if (watch->is_added) loop_remove(watch->loop, &watch->source);
    watch->is_added = false;
  } else if (watch->is_added) {
    loop_change(watch->loop, &watch->source, events);
  } else {
    watch->source.events = events;
    watch->is_added = loop_add(watch->loop, &watch->source) == 0;
  }
}

void watch_end(struct watch *watch) {
  watch_for(watch, 0);
  if (watch->source.fd >= 0) close(watch->source.fd);
  watch->source.fd = -1;
}
