/* The publisher's end of a daemon that answers with the input, whatever it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "containerd/events/task.pb-c.h"
#include "shim/rpc/publisher.h"

struct trial {
  struct loop loop;
  struct timer end;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void end(struct timer *timer) { loop_stop(&holder_of(timer, struct trial, end)->loop); }

static void turn(struct trial *trial) {
  trial->end.due = end;
  timer_set(&trial->loop, &trial->end, 0);
  (void)loop_run(&trial->loop);
}

static int listen_here(char *path, size_t room) {
  (void)snprintf(path, room, "/tmp/berth-fuzz-%d.sock", getpid());
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  strcpy(address.sun_path, path);
  (void)unlink(path);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 8) < 0) abort();
  return listener;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  struct trial trial = { 0 };
  struct publisher *publisher;
  int listener = listen_here(path, sizeof path);
  struct publisher_options options = { .address = path, .namespace = "n" };
  if (loop_open(&trial.loop) < 0 || publisher_open(&publisher, &trial.loop, &options) < 0) abort();
  Containerd__Events__TaskStart event = CONTAINERD__EVENTS__TASK_START__INIT;
  for (int i = 0; i < 3; i++) publisher_publish(publisher, "/tasks/start", &event);
  int daemon = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (daemon < 0) abort();
  while (size > 0) {
    size_t piece = size < 512 ? size : 512;
    if (send(daemon, data, piece, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) break;
    data += piece;
    size -= piece;
    turn(&trial);
  }
  close(daemon);
  turn(&trial);
  publisher_close(publisher);
  loop_close(&trial.loop);
  close(listener);
  (void)unlink(path);
  return 0;
}
