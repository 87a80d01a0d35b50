// The gRPC C core as Swift sees it.
#pragma once
#include <grpc/grpc.h>
