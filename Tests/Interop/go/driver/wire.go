// What happens below the calls of a channel: connections, attempts, headers.
package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

// wire dials for a channel, and counts.
type wire struct {
	mutex                       sync.Mutex
	connections                 []net.Conn
	ended                       int
	calls, attempts, withHeader int
	// mayRepeat: attempts may be cut off, and repeated by the retry policy.
	mayRepeat bool
}

// dial connects to the socket and remembers the connection.
func (w *wire) dial(ctx context.Context, address string) (net.Conn, error) {
	connection, err := (&net.Dialer{}).DialContext(ctx, "unix", strings.TrimPrefix(address, "unix:"))
	if err == nil {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		w.connections = append(w.connections, connection)
	}
	return connection, err
}

// connectionCount says how many connections were made so far.
func (w *wire) connectionCount() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return len(w.connections)
}

// closeConnections ends every connection under the channel, without a word to the peer.
func (w *wire) closeConnections() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, connection := range w.connections {
		_ = connection.Close()
	}
}

// waitUntilClosed waits until grpc-go has noticed the end of `count` connections.
func (w *wire) waitUntilClosed(count int, limit time.Duration) error {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		w.mutex.Lock()
		ended := w.ended
		w.mutex.Unlock()
		if ended >= count {
			return nil
		}
	}
	return fmt.Errorf("the connection is still open after %v", limit)
}

// checkAttempts fails when a call was sent more than once: the provider said UNAVAILABLE, and grpc-go hid it.
func (w *wire) checkAttempts() error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.attempts > w.calls && !w.mayRepeat {
		return fmt.Errorf("%d calls took %d attempts: the provider answered UNAVAILABLE", w.calls, w.attempts)
	}
	return nil
}

// headerCount says how many answers began with headers of their own, which a Trailers-Only answer does not.
func (w *wire) headerCount() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.withHeader
}

// HandleRPC counts calls, attempts and headers.
func (w *wire) HandleRPC(_ context.Context, event stats.RPCStats) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	switch event.(type) {
	case *stats.Begin:
		w.calls++
	case *stats.OutHeader:
		w.attempts++
	case *stats.InHeader:
		w.withHeader++
	}
}

// HandleConn counts the connections that ended.
func (w *wire) HandleConn(_ context.Context, event stats.ConnStats) {
	if _, ended := event.(*stats.ConnEnd); ended {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		w.ended++
	}
}

// TagRPC and TagConn are the rest of stats.Handler.
func (w *wire) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (w *wire) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
