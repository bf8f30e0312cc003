#ifndef BERTH_CGROUP_SIZES_H
#define BERTH_CGROUP_SIZES_H

/* The sizes of huge pages that the kernel has, as its files name them ("2MB"). */
struct page_sizes {
  int count;
  char names[8][16];
};

void page_sizes_read(struct page_sizes *sizes);

#endif
