#include "resources.h"

#include <signal.h>

#include "events.h"
#include "report.h"

static void on_killed(struct oom *oom) {
  struct container *container = holder_of(oom, struct container, oom);
  if (container->init.starting) {
    container->oom_waits = true;
    return;
  }
  event_oom(container);
}

void resources_open(struct container *container) {
  struct failure failure;
  if (!cgroup_of(container->init.pid, &container->cgroup, &failure)) return report("%s", failure.text);
  cgroup_enable(&container->cgroup);
  if (!oom_watch(&container->oom, &container->shim->loop, &container->cgroup, on_killed, &failure)) report("%s", failure.text);
}

void resources_check(struct container *container, int status) { oom_check(&container->oom, status == 128 + SIGKILL); }

void resources_started(struct container *container) {
  if (!container->oom_waits) return;
  container->oom_waits = false;
  event_oom(container);
}

void resources_close(struct container *container) {
  oom_close(&container->oom);
  cgroup_close(&container->cgroup);
}
