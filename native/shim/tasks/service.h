#ifndef BERTH_SHIM_SERVICE_H
#define BERTH_SHIM_SERVICE_H

#include "shim.h"

/* The task service, under the names of its versions 2 and 3. Each method stands in the file that is named for it. */
void serve_create(struct call *call, const void *request);
void serve_start(struct call *call, const void *request);
void serve_exec(struct call *call, const void *request);
void serve_state(struct call *call, const void *request);
void serve_kill(struct call *call, const void *request);
void serve_wait(struct call *call, const void *request);
void serve_delete(struct call *call, const void *request);
void serve_pids(struct call *call, const void *request);
void serve_pause(struct call *call, const void *request);
void serve_resume(struct call *call, const void *request);
void serve_update(struct call *call, const void *request);
void serve_checkpoint(struct call *call, const void *request);
void serve_resize(struct call *call, const void *request);
void serve_close_io(struct call *call, const void *request);
void serve_stats(struct call *call, const void *request);
void serve_connect(struct call *call, const void *request);
void serve_shutdown(struct call *call, const void *request);

extern const struct service task_services[2];

/* The shim of a call. */
struct shim *service_shim(const struct call *call);

/* What a request names; NULL when it is not there, and then the call has failed. */
struct container *service_container(struct call *call, const char *id);
struct process *service_process(struct call *call, const char *id, const char *exec_id);

void service_answer_empty(struct call *call);

#endif
