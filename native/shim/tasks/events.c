#include "events.h"

#include "timestamps.h"

static void publish(const struct container *container, const char *topic, const void *event) {
  publisher_publish(container->shim->publisher, topic, event);
}

void event_create(const struct container *container, const create_request *request) {
  Containerd__Events__TaskIO io = CONTAINERD__EVENTS__TASK_IO__INIT;
  io.stdin = request->stdin;
  io.stdout = request->stdout;
  io.stderr = request->stderr;
  io.terminal = request->terminal;
  Containerd__Events__TaskCreate event = CONTAINERD__EVENTS__TASK_CREATE__INIT;
  event.container_id = container->id;
  event.bundle = container->bundle;
  event.n_rootfs = request->n_rootfs;
  event.rootfs = request->rootfs;
  event.io = &io;
  event.checkpoint = request->checkpoint;
  event.pid = (uint32_t)container->init.pid;
  publish(container, "/tasks/create", &event);
}

void event_start(const struct process *process) {
  if (process_is_init(process)) {
    Containerd__Events__TaskStart event = CONTAINERD__EVENTS__TASK_START__INIT;
    event.container_id = process->container->id;
    event.pid = (uint32_t)process->pid;
    return publish(process->container, "/tasks/start", &event);
  }
  Containerd__Events__TaskExecStarted event = CONTAINERD__EVENTS__TASK_EXEC_STARTED__INIT;
  event.container_id = process->container->id;
  event.exec_id = process->id;
  event.pid = (uint32_t)process->pid;
  publish(process->container, "/tasks/exec-started", &event);
}

void event_exec_added(const struct process *process) {
  Containerd__Events__TaskExecAdded event = CONTAINERD__EVENTS__TASK_EXEC_ADDED__INIT;
  event.container_id = process->container->id;
  event.exec_id = process->id;
  publish(process->container, "/tasks/exec-added", &event);
}

void event_exit(const struct process *process) {
  Google__Protobuf__Timestamp at = timestamp_of(&process->exited_at);
  Containerd__Events__TaskExit event = CONTAINERD__EVENTS__TASK_EXIT__INIT;
  event.container_id = process->container->id;
  event.id = process_is_init(process) ? process->container->id : process->id;
  event.pid = (uint32_t)process->pid;
  event.exit_status = (uint32_t)process->status;
  event.exited_at = &at;
  publish(process->container, "/tasks/exit", &event);
}

void event_delete(const struct container *container) {
  Google__Protobuf__Timestamp at = timestamp_of(&container->init.exited_at);
  Containerd__Events__TaskDelete event = CONTAINERD__EVENTS__TASK_DELETE__INIT;
  event.container_id = container->id;
  event.pid = (uint32_t)container->init.pid;
  event.exit_status = (uint32_t)container->init.status;
  event.exited_at = &at;
  publish(container, "/tasks/delete", &event);
}

void event_paused(const struct container *container) {
  Containerd__Events__TaskPaused event = CONTAINERD__EVENTS__TASK_PAUSED__INIT;
  event.container_id = container->id;
  publish(container, "/tasks/paused", &event);
}

void event_resumed(const struct container *container) {
  Containerd__Events__TaskResumed event = CONTAINERD__EVENTS__TASK_RESUMED__INIT;
  event.container_id = container->id;
  publish(container, "/tasks/resumed", &event);
}

void event_oom(const struct container *container) {
  Containerd__Events__TaskOOM event = CONTAINERD__EVENTS__TASK_OOM__INIT;
  event.container_id = container->id;
  publish(container, "/tasks/oom", &event);
}
