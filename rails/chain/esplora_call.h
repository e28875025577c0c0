/* rails/chain/esplora_call.h - the questions that are put to an Esplora server.  Implements the request side of spec/exit.md
 * 6.3; esplora_reply.h has the answers.
 *
 * base is the URL before "/tx" and the like, without a slash at its end.  Requests live in the arena, which the caller has
 * seen to be large enough: twice what is sent, and 1 KiB. */
#ifndef RAILS_CHAIN_ESPLORA_CALL_H
#define RAILS_CHAIN_ESPLORA_CALL_H

#include "base/arena.h"
#include "base/http_msg.h"
#include "base/ids.h"

#define ESPLORA_TIMEOUT_MS 30000
#define ESPLORA_REPLY_MAX  ((size_t)16 * 1024 * 1024)
#define ESPLORA_BLOCK_MAX  ((size_t)4000000)

struct esplora_target {
	struct arena *arena;
	const char *base;
};

/* --- blocks --- */
void esplora_ask_tip(const struct esplora_target *t, struct net_request *ret); /* its hash */
void esplora_ask_block_hash(const struct esplora_target *t, uint32_t height, struct net_request *ret);
void esplora_ask_header(const struct esplora_target *t, const struct block_hash *hash, struct net_request *ret);
void esplora_ask_header_status(const struct esplora_target *t, const struct block_hash *hash, struct net_request *ret);
void esplora_ask_block(const struct esplora_target *t, const struct block_hash *hash, struct net_request *ret);

/* --- transactions and outputs --- */
/* In full.  "/status" would be less, but says the same of what waits in the mempool and of what nobody knows. */
void esplora_ask_tx(const struct esplora_target *t, const struct txid *txid, struct net_request *ret);
void esplora_ask_raw_tx(const struct esplora_target *t, const struct txid *txid, struct net_request *ret);
void esplora_ask_outspend(const struct esplora_target *t, const struct outpoint *at, struct net_request *ret);

/* --- scripts --- */
void esplora_ask_script(const struct esplora_target *t, struct bytes script, struct net_request *ret);
/* after: the last confirmed one of the page before, or NULL for the first page, which has the unconfirmed ones too. */
void esplora_ask_history(const struct esplora_target *t, struct bytes script, const struct txid *after,
			 struct net_request *ret);

/* --- fees and sending --- */
void esplora_ask_fees(const struct esplora_target *t, struct net_request *ret);
void esplora_ask_send(const struct esplora_target *t, struct bytes raw, struct net_request *ret);
/* Parents first, the child last.  n of 0 asks whether the server takes packages: see esplora_takes_packages(). */
void esplora_ask_package(const struct esplora_target *t, const struct bytes *raw, size_t n, struct net_request *ret);

#endif
