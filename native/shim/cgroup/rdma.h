#ifndef BERTH_CGROUP_RDMA_H
#define BERTH_CGROUP_RDMA_H

#include <stdbool.h>
#include <stdint.h>

/* A line of rdma.current or rdma.max; "max" is UINT32_MAX. */
struct rdma_line {
  const char *device;
  uint32_t handles, objects;
};

/* Reads "mlx4_0 hca_handle=2 hca_object=2000", cutting it. False: another form, which is passed over. */
bool rdma_parse(char *text, struct rdma_line *line);

#endif
