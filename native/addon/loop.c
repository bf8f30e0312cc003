/* Loop devices: files as block devices. */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "addon.h"

/* Others may take the free device that we were just told of. */
enum { ATTEMPTS = 100 };

struct attach_request {
  char path[PATH_SIZE];
  char tag[LO_NAME_SIZE + 4];
  int read_only;
};

/* loopAttach(path, readOnly, tag): a descriptor of a device that goes when nobody has it open or mounted any more. */
static void read_attach(struct arguments *in, void *request) {
  struct attach_request *attach = request;
  take_path(in, attach->path);
  attach->read_only = take_int(in);
  take_text(in, attach->tag, sizeof attach->tag);
}

static int open_device(int number, int mode) {
  char name[32];
  snprintf(name, sizeof name, "/dev/loop%d", number);
  int fd = open(name, mode | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

/* EBUSY when somebody else was faster. */
static int configure(int device, int file, const struct attach_request *request) {
  struct loop_config config = {.fd = (__u32)file};
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (request->read_only ? LO_FLAGS_READ_ONLY : 0);
  memcpy(config.info.lo_file_name, request->tag, LO_NAME_SIZE - 1);
  return ioctl(device, LOOP_CONFIGURE, &config) == 0 ? 0 : -errno;
}

static int take_free(int control, int file, const struct attach_request *request) {
  int number = ioctl(control, LOOP_CTL_GET_FREE);
  if (number < 0) return -errno;
  int device = open_device(number, request->read_only ? O_RDONLY : O_RDWR);
  if (device < 0) return device;
  int error = configure(device, file, request);
  if (error == 0) return device;
  close(device);
  return error;
}

static int attach_file(int file, const struct attach_request *request) {
  int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) return -errno;
  int result = -EBUSY;
  for (int i = 0; i < ATTEMPTS && result == -EBUSY; i++) result = take_free(control, file, request);
  close(control);
  return result;
}

static int run_attach(void *request) {
  const struct attach_request *attach = request;
  int file = open(attach->path, (attach->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  if (file < 0) return -errno;
  int result = attach_file(file, attach);
  close(file);
  return result;
}

struct autoclear_request {
  int fd;
  int on;
};

/* loopSetAutoclear(fd, on): whether the device goes by itself when nobody uses it. */
static void read_autoclear(struct arguments *in, void *request) {
  struct autoclear_request *autoclear = request;
  autoclear->fd = take_int(in);
  autoclear->on = take_int(in);
}

static int run_autoclear(void *request) {
  const struct autoclear_request *autoclear = request;
  struct loop_info64 info;
  if (ioctl(autoclear->fd, LOOP_GET_STATUS64, &info) != 0) return -errno;
  info.lo_flags &= ~(__u32)LO_FLAGS_AUTOCLEAR;
  if (autoclear->on) info.lo_flags |= LO_FLAGS_AUTOCLEAR;
  return ioctl(autoclear->fd, LOOP_SET_STATUS64, &info) == 0 ? 0 : -errno;
}

struct tag_request {
  int fd;
  struct bytes tag;
};

/* loopTag(fd, tag): the text that the device was attached with, and zeros. ENXIO for a device without a file. */
static void read_tag(struct arguments *in, void *request) {
  struct tag_request *tag = request;
  tag->fd = take_int(in);
  tag->tag = take_bytes(in);
}

static int run_tag(void *request) {
  const struct tag_request *tag = request;
  struct loop_info64 info;
  if (tag->tag.length != LO_NAME_SIZE) return -EINVAL;
  if (ioctl(tag->fd, LOOP_GET_STATUS64, &info) != 0) return -errno;
  memcpy(tag->tag.data, info.lo_file_name, LO_NAME_SIZE);
  return 0;
}

const struct operation loop_operations[] = {
    {"loopAttach", ASYNC, sizeof(struct attach_request), read_attach, run_attach, NULL},
    {"loopSetAutoclear", SYNC, sizeof(struct autoclear_request), read_autoclear, run_autoclear, NULL},
    {"loopTag", SYNC, sizeof(struct tag_request), read_tag, run_tag, NULL},
    {0},
};
