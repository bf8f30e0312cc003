#ifndef BERTH_SHIM_OPTIONS_H
#define BERTH_SHIM_OPTIONS_H

#include "base/failure.h"
#include "containerd/runc/v1/options.pb-c.h"
#include "google/protobuf/any.pb-c.h"

typedef Containerd__Runc__V1__Options options_t;

/*
 * The options of a container's runtime: containerd.runc.v1.Options, or containerd.linux.runc.CreateOptions from clients
 * of containerd 1.x. Without a value they are the usual ones; another type is refused by name. To be freed with
 * options_free().
 */
bool options_unpack(options_t **options, const Google__Protobuf__Any *any, struct failure *failure);
void options_free(options_t *options);

/* The bundle's options.json and runtime, as containerd's shim writes them. 0 or -errno. */
int options_write(const options_t *options, const char *bundle);

/* What `delete` needs of options.json, where it is there: binary_name, root, systemd_cgroup. To be freed likewise. */
bool options_read(options_t **options, const char *bundle, struct failure *failure);

#endif
