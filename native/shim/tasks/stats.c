#include "messages.h"
#include "service.h"

void serve_stats(struct call *call, const void *message) {
  const stats_request *request = message;
  struct failure failure;
  struct container *container = service_container(call, request->id);
  if (container == NULL) return;
  Google__Protobuf__Any stats = GOOGLE__PROTOBUF__ANY__INIT;
  Containerd__Task__V3__StatsResponse response = CONTAINERD__TASK__V3__STATS_RESPONSE__INIT;
  response.stats = &stats;
  if (!container->cgroup.is_found) {
    fail(&failure, NOT_FOUND, "cgroup does not exist: not found");
    return call_fail(call, &failure);
  }
  if (cgroup_stats(&container->cgroup, &call->arena.allocator, &stats, &failure)) return call_answer(call, &response);
  call_fail(call, &failure);
}
