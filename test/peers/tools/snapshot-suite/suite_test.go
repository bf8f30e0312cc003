// containerd's own suite for snapshotters, against the daemon and the snapshotter that the environment names.
package suite

import (
	"context"
	"os"
	"testing"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/core/snapshots/testsuite"
)

func TestSnapshotter(t *testing.T) {
	name := os.Getenv("SNAPSHOTTER")
	testsuite.SnapshotterSuite(t, name, func(context.Context, string) (snapshots.Snapshotter, func() error, error) {
		client, err := containerd.New(os.Getenv("CONTAINERD_ADDRESS"))
		if err != nil {
			return nil, nil, err
		}
		return client.SnapshotService(name), client.Close, nil
	})
}
