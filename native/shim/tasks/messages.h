#ifndef BERTH_SHIM_MESSAGES_H
#define BERTH_SHIM_MESSAGES_H

#include "containerd/events/task.pb-c.h"
#include "containerd/task/v3/shim.pb-c.h"
#include "google/protobuf/empty.pb-c.h"

/* The messages of the task service under names that can be read. Versions 2 and 3 have the same ones. */
typedef Containerd__Task__V3__CreateTaskRequest create_request;
typedef Containerd__Task__V3__StartRequest start_request;
typedef Containerd__Task__V3__ExecProcessRequest exec_request;
typedef Containerd__Task__V3__DeleteRequest delete_request;
typedef Containerd__Task__V3__StateRequest state_request;
typedef Containerd__Task__V3__KillRequest kill_request;
typedef Containerd__Task__V3__WaitRequest wait_request;
typedef Containerd__Task__V3__PidsRequest pids_request;
typedef Containerd__Task__V3__PauseRequest pause_request;
typedef Containerd__Task__V3__ResumeRequest resume_request;
typedef Containerd__Task__V3__UpdateTaskRequest update_request;
typedef Containerd__Task__V3__CheckpointTaskRequest checkpoint_request;
typedef Containerd__Task__V3__ResizePtyRequest resize_request;
typedef Containerd__Task__V3__CloseIORequest close_io_request;
typedef Containerd__Task__V3__StatsRequest stats_request;
typedef Containerd__Task__V3__ConnectRequest connect_request;

#endif
