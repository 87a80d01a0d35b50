// A provider on grpc-go that only answers: the counterpart to develop the clients against, and to compare with.
package standin

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	api "daypass/providerapi"
)

// largestAttributes is what Mount takes, in bytes; more is refused with a final code.
const largestAttributes = 1 << 20

// Provider answers Mount with one file. What it does besides depends on a word in the attributes:
//
//	standin-hang      waits until the caller gives up, or Release
//	standin-refuse    refuses, as a provider should
//	standin-two-lines refuses with a text of two lines
//	standin-headers   refuses, but after the headers, so that the answer is not Trailers-Only
//	standin-down      answers UNAVAILABLE the first time, which the driver then repeats
//	standin-counter   answers other bytes each time
//	standin-empty     answers no file
//	standin-path      answers a file outside the volume
//	standin-exhausted refuses too large attributes with RESOURCE_EXHAUSTED, a code that is not final
type Provider struct {
	// Arrived receives a value when a Mount begins to hang, Ended when it stops.
	Arrived, Ended chan struct{}

	release   chan struct{}
	once      sync.Once
	calls     int64
	authority atomic.Value
	listener  net.Listener
	server    *grpc.Server
}

// Listen serves on the Unix socket `path` until Stop or Drain.
func Listen(path string) (*Provider, error) {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	provider := &Provider{
		Arrived:  make(chan struct{}, 1000),
		Ended:    make(chan struct{}, 1000),
		release:  make(chan struct{}),
		listener: listener,
		server:   grpc.NewServer(grpc.MaxRecvMsgSize(16 << 20)),
	}
	api.RegisterCSIDriverProviderServer(provider.server, provider)
	return provider, nil
}

// Serve answers calls until Stop or Drain.
func (p *Provider) Serve() error { return p.server.Serve(p.listener) }

// Stop ends every connection at once, as a kill would.
func (p *Provider) Stop() { p.server.Stop() }

// Drain takes no more calls and returns when those in flight have ended.
func (p *Provider) Drain() { p.server.GracefulStop() }

// Release lets the calls that hang go on.
func (p *Provider) Release() { p.once.Do(func() { close(p.release) }) }

// Authority is the :authority of the last Version call.
func (p *Provider) Authority() string {
	authority, _ := p.authority.Load().(string)
	return authority
}

// Version answers at once.
func (p *Provider) Version(ctx context.Context, _ *api.VersionRequest) (*api.VersionResponse, error) {
	if headers, ok := metadata.FromIncomingContext(ctx); ok {
		p.authority.Store(strings.Join(headers.Get(":authority"), " "))
	}
	return &api.VersionResponse{Version: "v1alpha1", RuntimeName: "standin", RuntimeVersion: "0.0.1"}, nil
}

// Mount answers one file, or what the attributes ask for.
func (p *Provider) Mount(ctx context.Context, request *api.MountRequest) (*api.MountResponse, error) {
	asked := func(word string) bool { return strings.Contains(request.Attributes, "standin-"+word) }
	call := atomic.AddInt64(&p.calls, 1)
	file := &api.File{Path: "token", Mode: 0444, Contents: []byte("not-a-secret")}
	switch {
	case len(request.Attributes) > largestAttributes && asked("exhausted"):
		return nil, status.Error(codes.ResourceExhausted, "attributes-too-large: more than 1 MiB")
	case len(request.Attributes) > largestAttributes:
		return nil, status.Error(codes.InvalidArgument, "attributes-too-large: more than 1 MiB")
	case asked("hang"):
		p.Arrived <- struct{}{}
		defer func() { p.Ended <- struct{}{} }()
		select {
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		case <-p.release:
		}
	case asked("refuse"):
		return nil, status.Error(codes.PermissionDenied, "no-grant: nothing is granted to this Pod")
	case asked("two-lines"):
		return nil, status.Error(codes.PermissionDenied, "no-grant:\nnothing is granted to this Pod")
	case asked("headers"):
		if err := grpc.SendHeader(ctx, metadata.Pairs("standin", "yes")); err != nil {
			return nil, err
		}
		return nil, status.Error(codes.PermissionDenied, "no-grant: nothing is granted to this Pod")
	case asked("down") && call == 1:
		return nil, status.Error(codes.Unavailable, "down")
	case asked("counter"):
		file.Contents = []byte{byte(call)}
	case asked("path"):
		file.Path = "../token"
	}
	response := &api.MountResponse{ObjectVersion: []*api.ObjectVersion{{Id: "token", Version: "1"}}}
	if !asked("empty") {
		response.Files = []*api.File{file}
	}
	return response, nil
}
