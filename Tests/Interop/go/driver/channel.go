// The channel: dials the provider as the driver does.
package main

import (
	"net/url"

	"google.golang.org/grpc"

	api "daypass/providerapi"
)

// serviceConfig is the driver's: wait until the provider is there, and repeat on UNAVAILABLE, three attempts in all.
const serviceConfig = `{"methodConfig": [{
  "name": [{"service": "v1alpha1.CSIDriverProvider"}],
  "waitForReady": true,
  "retryPolicy": {
    "maxAttempts": 3, "initialBackoff": "1s", "maxBackoff": "10s", "backoffMultiplier": 1.1,
    "retryableStatusCodes": ["UNAVAILABLE"]
  }
}]}`

// channel is one cached client of the driver.
type channel struct {
	*grpc.ClientConn
	provider api.CSIDriverProviderClient
	wire     *wire
}

// dial opens a channel with the authority that `authority` names.
func dial(socket, authority string) (*channel, error) {
	w := &wire{}
	options := []grpc.DialOption{
		grpc.WithInsecure(),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithStatsHandler(w),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(4 << 20)),
		grpc.WithContextDialer(w.dial),
	}
	target := "unix:" + socket
	switch authority {
	case "raw":
		// The driver up to v1.5 dials the bare path, and grpc-go takes the target for the authority.
		target = socket
	case "encoded":
		options = append(options, grpc.WithAuthority(url.PathEscape(socket)))
	default:
		options = append(options, grpc.WithAuthority(authority))
	}
	connection, err := grpc.Dial(target, options...)
	if err != nil {
		return nil, err
	}
	return &channel{connection, api.NewCSIDriverProviderClient(connection), w}, nil
}
