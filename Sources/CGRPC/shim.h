// The gRPC C core as Swift sees it, with helpers for what Swift cannot import: macros and the anonymous unions of grpc_op.
#pragma once
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>

// One call as the server sees it. The core writes to it while an operation runs, so it must not move.
typedef struct {
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_byte_buffer *request;
    grpc_byte_buffer *response;
    int cancelled;
} daypass_server_call;

// One call as the client sees it. The core writes to it while an operation runs, so it must not move.
typedef struct {
    grpc_call *call;
    grpc_metadata *metadata;
    size_t metadata_count;
    grpc_metadata_array initial_metadata;
    grpc_metadata_array trailing_metadata;
    grpc_byte_buffer *request;
    grpc_byte_buffer *response;
    grpc_status_code status;
    grpc_slice details;
} daypass_client_call;

static inline const uint8_t *daypass_slice_bytes(const grpc_slice *slice) { return GRPC_SLICE_START_PTR(*slice); }

static inline size_t daypass_slice_length(const grpc_slice *slice) { return GRPC_SLICE_LENGTH(*slice); }

// A new buffer with a copy of the bytes; the caller destroys it.
static inline grpc_byte_buffer *daypass_buffer_create(const void *bytes, size_t count) {
    grpc_slice slice = grpc_slice_malloc(count);
    if (count > 0) memcpy(GRPC_SLICE_START_PTR(slice), bytes, count);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

// Copies at most `capacity` bytes out of a buffer; the count is the answer.
static inline size_t daypass_buffer_copy(grpc_byte_buffer *buffer, uint8_t *into, size_t capacity) {
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer)) return 0;
    size_t count = 0;
    grpc_slice *slice;
    while (grpc_byte_buffer_reader_peek(&reader, &slice)) {
        size_t length = GRPC_SLICE_LENGTH(*slice);
        if (length > capacity - count) length = capacity - count;
        if (length > 0) memcpy(into + count, GRPC_SLICE_START_PTR(*slice), length);
        count += length;
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return count;
}

// Waits for a server's next call. The core keeps the addresses until then, so they come from the state that does not move.
static inline grpc_call_error daypass_request_call(
    grpc_server *server, daypass_server_call *state, grpc_completion_queue *queue, void *tag) {
    return grpc_server_request_call(server, &state->call, &state->details, &state->metadata, queue, queue, tag);
}

static inline grpc_call_error daypass_receive_message(daypass_server_call *state, void *tag) {
    grpc_op op;
    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_RECV_MESSAGE;
    op.data.recv_message.recv_message = &state->request;
    return grpc_call_start_batch(state->call, &op, 1, tag, NULL);
}

static inline grpc_call_error daypass_receive_close(daypass_server_call *state, void *tag) {
    grpc_op op;
    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_RECV_CLOSE_ON_SERVER;
    op.data.recv_close_on_server.cancelled = &state->cancelled;
    return grpc_call_start_batch(state->call, &op, 1, tag, NULL);
}

// One batch with initial metadata, the message if there is one, and the status. Without a message the core sends
// Trailers-Only, which a client's retry policy needs to see.
static inline grpc_call_error daypass_answer(
    daypass_server_call *state, grpc_status_code status, grpc_slice *details, void *tag) {
    grpc_op ops[3];
    size_t count = 0;
    memset(ops, 0, sizeof ops);
    ops[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
    if (state->response != NULL) {
        ops[count].op = GRPC_OP_SEND_MESSAGE;
        ops[count++].data.send_message.send_message = state->response;
    }
    ops[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[count].data.send_status_from_server.status = status;
    ops[count++].data.send_status_from_server.status_details = details;
    return grpc_call_start_batch(state->call, ops, count, tag, NULL);
}

// The whole of a unary call in one batch.
static inline grpc_call_error daypass_call(daypass_client_call *state, uint32_t flags, void *tag) {
    grpc_op ops[6];
    memset(ops, 0, sizeof ops);
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[0].flags = flags;
    ops[0].data.send_initial_metadata.count = state->metadata_count;
    ops[0].data.send_initial_metadata.metadata = state->metadata;
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = state->request;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &state->initial_metadata;
    ops[4].op = GRPC_OP_RECV_MESSAGE;
    ops[4].data.recv_message.recv_message = &state->response;
    ops[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    ops[5].data.recv_status_on_client.trailing_metadata = &state->trailing_metadata;
    ops[5].data.recv_status_on_client.status = &state->status;
    ops[5].data.recv_status_on_client.status_details = &state->details;
    return grpc_call_start_batch(state->call, ops, 6, tag, NULL);
}
