/* rails/lightning/ldk_wire.h - one unary gRPC call of ldk-server, and what every reply has in common.  Implements spec/splice.md
 * 5.2.1.  For the files ldk*.c alone. */
#ifndef RAILS_LIGHTNING_LDK_WIRE_H
#define RAILS_LIGHTNING_LDK_WIRE_H

#include "base/protobuf.h"
#include "rails/lightning/backend.h"

#define LDK_MESSAGE_MAX ((size_t)10 * 1024 * 1024)
#define LDK_FRAME_HEAD  5 /* not compressed, and how long it is */

/* Numbers of gRPC. */
enum ldk_status {
	LDK_INVALID_ARGUMENT = 3,
	LDK_DEADLINE = 4,
	LDK_FAILED_PRECONDITION = 9,
	LDK_UNIMPLEMENTED = 12,
	LDK_INTERNAL = 13,
	LDK_UNAVAILABLE = 14,
	LDK_UNAUTHENTICATED = 16
};

/* method: as "ListChannels"; writes: it changes something. */
MUST_CHECK int ldk_request(struct arena *a, const struct ln_node *node, const char *method, struct bytes message,
			   bool writes, struct net_request *ret, struct err *err);
/* Its message.  ERR_PEER: the node's error, .peer_code is its status; ERR_PEER_AUTH: it takes neither our key nor our clock. */
MUST_CHECK int ldk_message(struct arena *a, const struct net_reply *rep, const char *method, struct bytes *ret,
			   struct err *err);
struct splice_trouble ldk_trouble(const struct err *err);

/* The name of a channel that stays: user_channel_id, a decimal of 128 bits, as a number in the last 16 bytes. */
MUST_CHECK bool ldk_channel_id(const char *decimal, struct hash32 *ret);

#endif
