#include "shim.h"

#include <stdlib.h>
#include <string.h>

#include "resources.h"

struct container *container_find(struct shim *shim, const char *id, struct failure *failure) {
  for (struct container *container = shim->containers; container != NULL; container = container->next)
    if (container->visible && strcmp(container->id, id) == 0) return container;
  fail(failure, NOT_FOUND, "container not created: not found");
  return NULL;
}

struct process *process_find(struct container *container, const char *exec_id, struct failure *failure) {
  if (*exec_id == '\0') return &container->init;
  for (struct process *process = container->execs; process != NULL; process = process->next)
    if (strcmp(process->id, exec_id) == 0) return process;
  fail(failure, NOT_FOUND, "process does not exist %s: not found", exec_id);
  return NULL;
}

bool stdio_set(struct stdio *stdio, bool terminal, const char *in, const char *out, const char *err) {
  *stdio = (struct stdio){ .terminal = terminal, .in = strdup(in), .out = strdup(out), .err = strdup(err) };
  return stdio->in != NULL && stdio->out != NULL && stdio->err != NULL;
}

static void process_clear(struct process *process) {
  if (process->pid != 0 && !process->ended) reaper_forget(&process->container->shim->reaper, &process->child);
  streams_close(process->streams);
  free(process->id);
  free(process->stdio.in);
  free(process->stdio.out);
  free(process->stdio.err);
  free(process->spec);
}

static void container_free(struct container *container) {
  resources_close(container);
  process_clear(&container->init);
  runtime_close(&container->runtime);
  options_free(container->options);
  free(container->checkpoint);
  free(container->parent_checkpoint);
  free(container->id);
  free(container->bundle);
  free(container);
}

struct container *container_new(struct shim *shim, const char *id, const char *bundle) {
  struct container *container = calloc(1, sizeof *container);
  if (container == NULL) return NULL;
  *container = (struct container){ .shim = shim, .id = strdup(id), .bundle = strdup(bundle), .users = 1 };
  container->init = (struct process){ .container = container, .id = strdup("") };
  if (container->id == NULL || container->bundle == NULL || container->init.id == NULL) {
    container_free(container);
    return NULL;
  }
  container->next = shim->containers;
  shim->containers = container;
  return container;
}

struct process *process_new(struct container *container, const char *id) {
  struct process *process = calloc(1, sizeof *process);
  if (process == NULL) return NULL;
  *process = (struct process){ .container = container, .id = strdup(id), .next = container->execs };
  if (process->id == NULL) {
    free(process);
    return NULL;
  }
  container->execs = process;
  container->exec_count++;
  container_use(container);
  return process;
}

void container_use(struct container *container) { container->users++; }

void container_release(struct container *container) {
  if (--container->users == 0) container_free(container);
}

static void fail_waiters(struct process *process) {
  struct failure failure;
  fail(&failure, NOT_FOUND, "process does not exist %s: not found", process->id);
  while (process->waiters != NULL) {
    struct waiter *waiter = process->waiters;
    process->waiters = waiter->next;
    call_fail(waiter->call, &failure);
    free(waiter);
  }
}

void container_remove(struct container *container) {
  struct container **place = &container->shim->containers;
  while (*place != container) place = &(*place)->next;
  *place = container->next;
  container->visible = false;
  container->gone = container->init.gone = true;
  while (container->execs != NULL) process_remove(container->execs);
  fail_waiters(&container->init);
  container_release(container);
}

void process_remove(struct process *process) {
  struct process **place = &process->container->execs;
  while (*place != process) place = &(*place)->next;
  *place = process->next;
  process->container->exec_count--;
  process->gone = true;
  fail_waiters(process);
  if (process->current == NULL && !process->advancing) process_free(process);
}

void process_free(struct process *process) {
  struct container *container = process->container;
  process_clear(process);
  free(process);
  container_release(container);
}

bool process_is_init(const struct process *process) { return process == &process->container->init; }
