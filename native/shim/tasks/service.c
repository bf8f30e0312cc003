#include "service.h"

#include "messages.h"

#define REQUEST(name) &containerd__task__v3__##name##_request__descriptor

static const struct method methods[] = {
  { "Create", REQUEST(create_task), serve_create },
  { "Start", REQUEST(start), serve_start },
  { "Exec", REQUEST(exec_process), serve_exec },
  { "State", REQUEST(state), serve_state },
  { "Kill", REQUEST(kill), serve_kill },
  { "Wait", REQUEST(wait), serve_wait },
  { "Delete", REQUEST(delete), serve_delete },
  { "Pids", REQUEST(pids), serve_pids },
  { "Pause", REQUEST(pause), serve_pause },
  { "Resume", REQUEST(resume), serve_resume },
  { "Update", REQUEST(update_task), serve_update },
  { "Checkpoint", REQUEST(checkpoint_task), serve_checkpoint },
  { "ResizePty", REQUEST(resize_pty), serve_resize },
  { "CloseIO", &containerd__task__v3__close_iorequest__descriptor, serve_close_io },
  { "Stats", REQUEST(stats), serve_stats },
  { "Connect", REQUEST(connect), serve_connect },
  { "Shutdown", REQUEST(shutdown), serve_shutdown },
};

enum { METHODS = sizeof methods / sizeof *methods };

const struct service task_services[2] = {
  { .name = "containerd.task.v2.Task", .methods = methods, .count = METHODS },
  { .name = "containerd.task.v3.Task", .methods = methods, .count = METHODS },
};

struct shim *service_shim(const struct call *call) { return call->context; }

struct container *service_container(struct call *call, const char *id) {
  struct failure failure;
  struct container *container = container_find(service_shim(call), id, &failure);
  if (container == NULL) call_fail(call, &failure);
  return container;
}

struct process *service_process(struct call *call, const char *id, const char *exec_id) {
  struct failure failure;
  struct container *container = service_container(call, id);
  if (container == NULL) return NULL;
  struct process *process = process_find(container, exec_id, &failure);
  if (process == NULL) call_fail(call, &failure);
  return process;
}

void service_answer_empty(struct call *call) {
  const Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;
  call_answer(call, &empty);
}
