#include <string.h>

#include "messages.h"
#include "service.h"

void serve_resize(struct call *call, const void *message) {
  const resize_request *request = message;
  struct failure failure;
  struct process *process = service_process(call, request->id, request->exec_id);
  if (process == NULL) return;
  if (process->phase == STOPPED && !process_is_init(process)) {
    fail(&failure, UNKNOWN, "cannot resize a stopped container");
    return call_fail(call, &failure);
  }
  int error = process->streams == NULL ? 0 : streams_resize(process->streams, request->width, request->height);
  if (error == 0) return service_answer_empty(call);
  fail(&failure, UNKNOWN, "Cannot resize the terminal of \"%s\": %s", request->id, strerror(-error));
  call_fail(call, &failure);
}

void serve_close_io(struct call *call, const void *message) {
  const close_io_request *request = message;
  struct process *process = service_process(call, request->id, request->exec_id);
  if (process == NULL) return;
  if (request->stdin && process->streams != NULL) streams_close_stdin(process->streams);
  service_answer_empty(call);
}
