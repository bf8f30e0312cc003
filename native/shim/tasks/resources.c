#include "resources.h"

#include "events.h"
#include "report.h"

static void on_killed(struct oom *oom) { event_oom(holder_of(oom, struct container, oom)); }

void resources_open(struct container *container) {
  struct failure failure;
  if (!cgroup_of(container->init.pid, &container->cgroup, &failure)) return report("%s", failure.text);
  cgroup_enable(&container->cgroup);
  if (!oom_watch(&container->oom, &container->shim->loop, &container->cgroup, on_killed, &failure)) report("%s", failure.text);
}

void resources_check(struct container *container) {
  if (container->oom.is_watched) oom_check(&container->oom);
}

void resources_close(struct container *container) {
  oom_close(&container->oom);
  cgroup_close(&container->cgroup);
}
